"""Of notebook 4."""

from helpers.support.questions.question import Question

QUESTIONS = {
    "digits-of-float32": Question(
        right="b",
        choices={
            "a": "Sums of the same numbers in another order are rounded in another way. Two right "
            "programs need not agree bit for bit.",
            "b": "The resolution of float32 is about 6·10⁻⁸ relative to the number, and a few "
            "roundings of that size come together.",
            "c": "A step is tens of thousands of times larger than a rounding. A difference of its "
            "size would be a mistake.",
        },
    ),
    "number-of-graphs": Question(
        right=2,
        numbers={
            2: "One for exactly 100 images, and a second one for any length when another turns up.",
            1: "The first graph is made for what the first call brings: exactly 100 images. Does "
            "it take 60?",
            4: "That would be one for each length, as without reduce_retracing.",
            5: "A graph that is there is used again, and here 100 comes twice.",
        },
        otherwise="The first call builds one. When does another become necessary?",
    ),
    "half-on-calls": Question(
        right=200,
        numbers={
            200: "Then the images cost 200 · 1 µs, as much as the calls.",
            1: "There the images cost 1 µs, and nearly all of the time goes to calls.",
            100: "There the images cost 100 µs, and the calls 200 µs: two thirds of the time.",
            400: "There the images cost 400 µs, and the calls a third of the time.",
        },
        otherwise="Half of the time: calls = B · image.",
    ),
    "who-gains": Question(
        right="a",
        choices={
            "a": "There nearly all of the time is spent on calls, and only calls are saved.",
            "b": "There the time is spent on images, which cost the same whoever asks for them.",
            "c": "As many microseconds per update, perhaps. But as a share of an update?",
        },
    ),
    "mean-over-an-epoch": Question(
        right="b",
        choices={
            "a": "It would be so if the weights stood still. They move: which of the losses were "
            "measured at worse weights than those at the end?",
            "b": "The losses of the beginning, when the weights were worse, are still in the mean.",
            "c": "The loss falls during the epoch, so most of what is averaged is larger than what "
            "is reached at its end.",
        },
    ),
}
