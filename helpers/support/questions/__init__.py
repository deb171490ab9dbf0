"""The reactions to the short questions of the notebooks, by the name of the question."""

from helpers.support.questions.batch_size_study import QUESTIONS as BATCH_SIZE_STUDY
from helpers.support.questions.data_preparation import QUESTIONS as DATA_PREPARATION
from helpers.support.questions.going_further import QUESTIONS as GOING_FURTHER
from helpers.support.questions.hand_coded_sgd import QUESTIONS as HAND_CODED_SGD
from helpers.support.questions.tensorflow_comparison import QUESTIONS as TENSORFLOW_COMPARISON

QUESTIONS = {
    **DATA_PREPARATION,
    **HAND_CODED_SGD,
    **BATCH_SIZE_STUDY,
    **TENSORFLOW_COMPARISON,
    **GOING_FURTHER,
}
