"""How the people of a clinic speak to the room that keeps its cases, which stands above (ADR 13)."""

from django.dispatch import Signal

# Arguments: person, clinic_id, by (who took the role away, or None from the shell). Sent inside the transaction that
# ended a role, after it ended; exactly one receiver, which hands the person's open cases back to the queue.
role_ended = Signal()
