"""Of notebook 1."""

from helpers.support.questions.question import Question

QUESTIONS = {
    "twice-a-byte": Question(
        right=144,
        numbers={
            144: "A byte holds 0 to 255. 400 does not fit, and 400 − 256 = 144 is what is left.",
            400: "So it would be in float32. A byte holds only 0 to 255: what becomes of the rest?",
            255: "Bytes do not stop at their largest value. They start again at 0.",
            256: "256 is the number of values that a byte has. How much of 400 lies beyond it?",
        },
        otherwise="A byte holds 0 to 255 and then starts again at 0.",
        within=1e-6,
    ),
    "mean-of-a-column": Question(
        right=6742 / 60_000,
        numbers={
            6742 / 60_000: "6742 of the 60,000 rows have their 1 in this column, and all others a "
            "0. So the mean is the share of the class.",
            0.1: "That would hold if all digits were equally frequent. Look at the counts above.",
            6742: "That is the sum of the column. The mean divides it by the number of rows.",
            1135 / 10_000: "That is the share among the test images. Y holds the training labels.",
        },
        otherwise="The column has a 1 for each image of a 1, and a 0 for each other image.",
        within=0.005,
    ),
    "accuracy-from-recalls": Question(
        right="b",
        choices={
            "a": "A plain mean gives every class the same weight. Are there as many fives as ones "
            "among the test images?",
            "b": "Recall times the number of images is the number of right answers in a class. "
            "Their sum over the classes, divided by all images, is the accuracy.",
            "c": "The product is the chance that ten images, one of each class, are all "
            "recognized. That is far less than the accuracy.",
        },
    ),
}
