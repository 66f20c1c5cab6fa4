"""The only two ways in which the intake room speaks to the room above it. Each is sent inside the transaction of its
cause and has exactly one receiver (a system check makes sure)."""

from django.dispatch import Signal

# Arguments: response, questionnaire, document, page. The receiver returns the ids of the emergency rules that fired
# on this page.
page_saved = Signal()

# Arguments: response, questionnaire, document.
response_submitted = Signal()
