"""Of notebook 2."""

from helpers.support.questions.question import Question

QUESTIONS = {
    "twice-the-logits": Question(
        right="a",
        choices={
            "a": "The differences of the logits double, so every ratio of two probabilities is "
            "squared: the largest one gains from all others.",
            "b": "Adding a constant changes nothing. Doubling changes the differences of the "
            "logits, and these decide.",
            "c": "Try logits (1, 0) and (2, 0): which of the two is nearer to certainty?",
        },
    ),
    "half-right": Question(
        right=0.693,
        numbers={
            0.693: "−ln ½ = ln 2 for each image, and so for their mean.",
            0.5: "That is the probability. The cross-entropy is minus its natural logarithm.",
            1: "That would be in bits, with the logarithm to base 2. Here it is the natural one.",
            -0.693: "Mind the sign: a probability below 1 has a negative logarithm.",
            2.303: "That is ln 10, for a probability of 1/10.",
        },
        otherwise="The cross-entropy of an image is −ln of the probability of its right class.",
        within=0.01,
    ),
    "both-forget": Question(
        right="b",
        choices={
            "a": "It does not know the truth. Which two things does it compare?",
            "b": "The two agree with each other: it compares a gradient with the loss that it is "
            "given, not with the one that was meant. The check of the loss has to notice.",
            "c": "The penalty is on W alone, but the measured slope is that of the same loss "
            "without it.",
        },
    ),
    "nearer-to-the-lowest-point": Question(
        right="b",
        choices={
            "a": "More updates at the same rate go on as before: each of them follows a single "
            "image, and kicks the weights about as far as the last one did.",
            "b": "A smaller rate makes every kick smaller, so the path stays nearer to where the "
            "images pull it on average. It takes more updates to get there.",
            "c": "A larger rate makes every kick larger: look at the right panel.",
        },
    ),
    "minibatches-of-seven": Question(
        right=8572,
        numbers={
            8572: "8,571 full minibatches are 59,997 images, and three images are left for a "
            "shorter one.",
            8571: "Then three images would be left out of every epoch. They make a shorter one.",
            60_000: "That is the number of images. A minibatch has seven of them.",
        },
        otherwise="Divide 60,000 by 7, and think of what is left over.",
        within=1e-6,
    ),
    "side-of-the-border": Question(
        right="b",
        choices={
            "a": "The cross-entropy has fallen. But the answer is the class with the largest "
            "probability: which one is that?",
            "b": "From −ln 0.2 to −ln 0.4 is a large step down, and the wrong class is still the "
            "most probable one. The count does not notice how near an image has come.",
            "c": "The cross-entropy is −ln of the probability of the right class, and that has "
            "doubled.",
        },
    ),
}
