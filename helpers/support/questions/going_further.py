"""Of notebook 5."""

from helpers.support.questions.question import Question

QUESTIONS = {
    "start-at-the-optimum": Question(
        right="b",
        choices={
            "a": "The mean gradient is zero there. Those of single minibatches are not: each pulls "
            "towards an optimum of its own.",
            "b": "It leaves until the pull back to the optimum balances the noise, and then stays "
            "about that far away.",
            "c": "The objective is strictly convex: far from the optimum the pull back grows, so "
            "the noise cannot carry W away for ever.",
        },
    ),
    "standard-error": Question(
        right=0.25,
        numbers={
            0.25: "√(0.93 · 0.07 / 10,000) is 0.0026, a quarter of a percentage point.",
            0.0025: "That is the fraction. In percentage points it is a hundred times as much.",
            7: "That is the share of errors. How far does its estimate from 10,000 images vary?",
            25: "Do not forget to divide by √10,000 = 100.",
        },
        otherwise="The standard error of a share p of n images is √(p (1 − p) / n).",
        within=0.1,
    ),
    "norm-and-batch-size": Question(
        right=10,
        numbers={
            10: "A hundred times as many images have about a hundred times the sum of squares, and "
            "the root of that is ten.",
            100: "So the sum of squares grows. The norm is its root.",
            1: "It would stay the same if it were a mean over the images. It is a sum.",
            1000: "That is the number of images. How does a sum over them compare with one over "
            "ten?",
        },
        otherwise="The sum of squares grows with the number of images; the norm is its root.",
        within=0.1,
    ),
}
