"""Of notebook 3."""

from helpers.support.questions.question import Question

QUESTIONS = {
    "noise-and-batch-size": Question(
        right="b",
        choices={
            "a": "That would hold if the errors of the examples had all the same sign. They partly "
            "cancel: the variance of a mean falls as 1/B. What does the spread do, then?",
            "b": "The variance of a mean of B independent numbers is 1/B of theirs, so its spread "
            "is 1/√B. A hundred times the work buys a tenth of the noise.",
            "c": "The mean over all minibatches is the full gradient whatever B is. But how far "
            "a single minibatch lies from it depends on how many examples it averages.",
        },
    ),
    "which-data-chooses": Question(
        right="c",
        choices={
            "a": "The training loss would do for the objective, but it cannot show what a rate "
            "does to images that were not used. And we want one rule for both.",
            "b": "Then the test accuracy in the end would be that of a rate chosen to make it "
            "high: a promise that new images need not keep.",
            "c": "The validation images were not trained on, and the test images stay untouched "
            "until the choice is made.",
        },
    ),
    "flat-curve": Question(
        right="a",
        choices={
            "a": "On an axis that reaches from 2.3 down, the last few percent are a hair's "
            "breadth. The gap to J* on a log axis shows them.",
            "b": "A larger rate keeps more noise, so its curve is rougher, not flatter. Think of "
            "what the vertical axis can show.",
            "c": "Overfitting would be seen on images that were not trained on. This is the loss "
            "on the training images, and it still falls.",
        },
    ),
    "clock": Question(
        right="c",
        choices={
            "a": "Iterations count a look at one image and a look at a thousand alike, so they "
            "say nothing about the work.",
            "b": "Examples count the work of the arithmetic alone. The overhead that every call "
            "has, however small the minibatch, is not in them.",
            "c": "Seconds depend on the code and on the machine: the same runs may be ranked in "
            "another way elsewhere. Iterations and examples stay as they are.",
        },
    ),
}
