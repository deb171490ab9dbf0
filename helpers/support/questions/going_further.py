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
    "ball-quotient": Question(
        right="c",
        choices={
            "a": "That would be so if both were doubled. What becomes of η / B?",
            "b": "One of the two changes does that alone. Here are both.",
            "c": "η / B is a quarter of what it was, and the gap is proportional to it.",
        },
    ),
    "who-leaves": Question(
        right="b",
        choices={
            "a": "A hundred of its steps carry the noise of one step at B = 100: the same path, "
            "cut finer.",
            "b": "The reason above needs W to stand still while the examples of a step are looked "
            "at. The longest step moves it most.",
            "c": "Read the condition again: as long as W hardly moves in between. For which of the "
            "steps is that least true?",
        },
    ),
    "strongest-penalty": Question(
        right="a",
        choices={
            "a": "There λ stands against one gradient, at B = 1000 against the sum of a thousand.",
            "b": "The sum of a thousand gradients is large, and the penalty does not grow with it.",
            "c": "λ is the same in all, but not what it is weighed against.",
        },
    ),
    "perfect-scaling": Question(
        right=250,
        numbers={
            250: "Sixteen times the batch, a sixteenth of the updates, and as many examples. The "
            "table shows how far that goes.",
            4000: "Then each update would bring no more although its gradient is less noisy and "
            "allows a longer step.",
            1000: "That is a division by √16: the noise falls so. The rate may grow with B itself.",
            64000: "That would be sixteen times as many updates. A larger batch needs fewer.",
        },
        otherwise="64 is sixteen times 4. What happens to the updates if the rate grows as much?",
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
    "labeled-differently": Question(
        right=0.06,
        numbers={
            0.06: "25 − 19 = 6 of 10,000 images. Where neither is right, or both are, nothing is "
            "gained or lost.",
            6: "That is the number of images. As a share of 10,000, in percentage points?",
            0.0006: "That is the fraction. In percentage points it is a hundred times as much.",
            0.6: "All 60 count only where the first is always right. On how many more is it right?",
            0.44: "On 25 + 19 images only one of them is right. But the 19 speak for the second.",
            0.25: "So many are won. How many are lost?",
        },
        otherwise="What the first has won by 25 images it has partly lost again by 19.",
    ),
    "which-probability": Question(
        right=0.000203,
        numbers={
            0.000203: "exp(−8.5) is about 1 in 5,000.",
            0.1: "Of this probability −ln is 2.3.",
            -2.14: "That is −ln 8.5. Which p has −ln p = 8.5?",
            4914.8: "exp(8.5) is how many times less likely than certain it is. And the "
            "probability?",
            0.00276: "That would be with the logarithm to base 2. Here it is the natural one.",
        },
        otherwise="Solve −ln p = 8.5 for p.",
        within=0.02,
    ),
}
