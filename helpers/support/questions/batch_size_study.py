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
            "c": "The sum is divided by a hundred, but the sum of a hundred errors is larger than "
            "one error. It is the variance that falls to a hundredth; the distance is its root.",
        },
    ),
    "chosen-on-the-test-set": Question(
        right="b",
        choices={
            "a": "No weight was fitted to these images, but the rate was: it was chosen because it "
            "does well on just them.",
            "b": "The best of twenty is partly good and partly lucky on these images, and new ones "
            "do not repeat the luck. So rates are chosen on validation images.",
            "c": "Nothing pushes it down. Which of twenty noisy numbers was kept?",
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
