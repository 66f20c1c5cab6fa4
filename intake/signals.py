"""The only ways in which the intake room speaks to the room above it.

Each has exactly one receiver (a system check makes sure). The first and the last are sent inside the transaction of
their cause.
"""

from django.dispatch import Signal

# Arguments: response, questionnaire, document, page. The receiver returns the ids of the emergency rules that fired
# on this page.
page_saved = Signal()

# Arguments: response, questionnaire, document. The receiver returns groups of link_ids whose answers do not seem to fit
# together, for the person to look at once more before sending.
answers_reviewed = Signal()

# Arguments: response, questionnaire, document.
response_submitted = Signal()
