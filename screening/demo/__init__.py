"""Made-up people: answer sets, a patient without a browser who answers the real pages, and the demo made of both.

fill_in(clinic, complete_answers(aneurysm_or_avm="yes"))
"""

from screening.demo.answers import AnswersRefused, complete_answers
from screening.demo.filling import answer_draft, fill_in

__all__ = ["AnswersRefused", "answer_draft", "complete_answers", "fill_in"]
