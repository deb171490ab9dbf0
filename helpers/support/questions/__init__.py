"""The reactions to the short questions of the notebooks, by the name of the question."""

from helpers.support.questions.batch_size_study import QUESTIONS as BATCH_SIZE_STUDY
from helpers.support.questions.going_further import QUESTIONS as GOING_FURTHER

QUESTIONS = {**BATCH_SIZE_STUDY, **GOING_FURTHER}
