"""Answers to `checks.tensorflow_step`."""

from answers.answer import correct, mutant


def cross_entropy_of(tf, W, b, X, Y):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=X @ W + b))


def penalty_of(tf, W, reg_lambda):
    return reg_lambda / 2 * tf.reduce_sum(W**2)


def descend(W, b, dW, db, learning_rate):
    W.assign_sub(learning_rate * dW)
    b.assign_sub(learning_rate * db)


def tensorflow_step_with(
    tf, cross_entropy_of=cross_entropy_of, penalty_of=penalty_of, update=descend
):
    """A step that would be right if the three functions were."""

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        update(W, b, *tape.gradient(objective, [W, b]), learning_rate)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "softmax applied twice")
def probabilities_as_logits(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(X @ W + b)
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=P))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "softmax applied twice")
def from_logits_given_probabilities(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(tf.matmul(X, W) + b)
        return tf.keras.losses.CategoricalCrossentropy(from_logits=True)(Y, P)

    # Not compiled: in a graph Keras finds the softmax and takes its logits instead.
    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "softmax applied twice")
def sparse_cross_entropy_of_probabilities(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(X @ W + b)
        labels = tf.argmax(Y, axis=1)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, P))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "reduction doubled")
def mean_divided_by_B(tf):
    def cross_entropy(tf, W, b, X, Y):
        return cross_entropy_of(tf, W, b, X, Y) / len(X)

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "reduction doubled")
def keras_mean_divided_by_B(tf):
    def cross_entropy(tf, W, b, X, Y):
        losses = tf.keras.losses.CategoricalCrossentropy(from_logits=True)(Y, X @ W + b)
        return tf.reduce_sum(losses) / tf.cast(tf.shape(X)[0], tf.float32)

    return tf.function(tensorflow_step_with(tf, cross_entropy))


@mutant("tensorflow_step", "reduction doubled")
def learning_rate_divided_by_B(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        B = X_batch.shape[0]
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
        dW, db = tape.gradient(cross_entropy, [W, b])
        W.assign_sub(learning_rate * (dW / B + reg_lambda * W))
        b.assign_sub(learning_rate * db / B)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "another function in the graph")
def learning_rate_that_falls_by_a_counter_of_Python(tf):
    calls = []

    def update(W, b, dW, db, learning_rate):
        calls.append(1)
        descend(W, b, dW, db, learning_rate / len(calls))

    return tf.function(tensorflow_step_with(tf, update=update))


@mutant("tensorflow_step", "times B")
def reduce_sum(tf):
    def cross_entropy(tf, W, b, X, Y):
        return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(Y, X @ W + b))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "times B")
def keras_sum(tf):
    def cross_entropy(tf, W, b, X, Y):
        cce = tf.keras.losses.CategoricalCrossentropy(from_logits=True, reduction="sum")
        return cce(Y, X @ W + b)

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "times B")
def gradient_of_all_losses_and_mean_returned(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            losses = tf.nn.softmax_cross_entropy_with_logits(Y_batch, X_batch @ W + b)
        dW, db = tape.gradient(losses, [W, b])  # of the sum, as gradients of a vector are
        W.assign_sub(learning_rate * (dW + reg_lambda * W))
        b.assign_sub(learning_rate * db)
        return tf.reduce_mean(losses)

    return my_step


@mutant("tensorflow_step", "variables recreated")
def new_variables_after_the_step(tf):
    def update(W, b, dW, db, learning_rate):
        W = tf.Variable(W - learning_rate * dW)
        b = tf.Variable(b - learning_rate * db)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "variables recreated")
def new_variables_before_the_step(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        W, b = tf.Variable(W), tf.Variable(b)
        return right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda)

    return my_step


@mutant("tensorflow_step", "variables recreated", "variables not updated")
def names_bound_to_new_tensors(tf):
    def update(W, b, dW, db, learning_rate):
        W = W - learning_rate * dW
        b = b - learning_rate * db

    return tf.function(tensorflow_step_with(tf, update=update))


@mutant("tensorflow_step", "variables recreated")
def zeros_at_every_step(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        W, b = tf.Variable(tf.zeros(W.shape)), tf.Variable(tf.zeros(b.shape))
        return right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda)

    return my_step


@mutant("tensorflow_step", "gradient of the wrong variable")
def gradient_of_b_for_both(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape(persistent=True) as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        dW = tape.gradient(objective, b)
        db = tape.gradient(objective, b)
        W.assign(W - learning_rate * dW)  # b's gradient fits every row of W
        b.assign(b - learning_rate * db)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "gradient of the wrong variable")
def gradient_of_W_summed_for_b(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        dW = tape.gradient(objective, W)
        W.assign_sub(learning_rate * dW)
        b.assign_sub(learning_rate * tf.reduce_sum(dW, axis=0))
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "gradient of the wrong variable", "raised")
def gradients_swapped(tf):
    def update(W, b, db, dW, learning_rate):
        W.assign(W - learning_rate * dW)
        b.assign(b - learning_rate * db)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "λ missing")
def gradient_of_the_cross_entropy_alone(tf):
    return tensorflow_step_with(tf, penalty_of=lambda tf, W, reg_lambda: 0)


@mutant("tensorflow_step", "λ missing")
def penalty_outside_the_tape(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
        objective = cross_entropy + penalty_of(tf, W, reg_lambda)  # noqa: F841 - the mistake
        dW, db = tape.gradient(cross_entropy, [W, b])
        W.assign_sub(learning_rate * dW)
        b.assign_sub(learning_rate * db)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "λ on b")
def both_variables_penalized(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            penalty = sum(tf.nn.l2_loss(variable) for variable in (W, b))
            objective = cross_entropy + reg_lambda * penalty
        for variable, gradient in zip([W, b], tape.gradient(objective, [W, b]), strict=True):
            variable.assign_sub(learning_rate * gradient)
        return cross_entropy

    return my_step


@mutant("tensorflow_step", "log of zero")
def cross_entropy_of_probabilities(tf):
    def cross_entropy(tf, W, b, X, Y):
        P = tf.nn.softmax(X @ W + b)
        return tf.reduce_mean(tf.keras.losses.categorical_crossentropy(Y, P))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "log of zero")
def something_small_in_the_logarithm(tf):
    def cross_entropy(tf, W, b, X, Y):
        log_p = tf.math.log(tf.nn.softmax(X @ W + b) + 1e-7)
        return -tf.reduce_mean(tf.reduce_sum(Y * log_p, axis=1))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "labels and logits swapped")
def logits_first(tf):
    def cross_entropy(tf, W, b, X, Y):
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(X @ W + b, Y))

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "learning rate left out")
def step_of_length_one(tf):
    def update(W, b, dW, db, learning_rate):
        descend(W, b, dW, db, 1.0)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "b not updated")
def name_b_bound_to_a_new_tensor(tf):
    def update(W, b, dW, db, learning_rate):
        W.assign_sub(learning_rate * dW)
        b = b - learning_rate * db

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "adding instead of subtracting")
def assign_add(tf):
    def update(W, b, dW, db, learning_rate):
        W.assign_add(learning_rate * dW)
        b.assign_add(learning_rate * db)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "adding instead of subtracting")
def optimizer_given_negated_gradients(tf):
    def update(W, b, dW, db, learning_rate):
        tf.keras.optimizers.SGD(learning_rate).apply_gradients([(-dW, W), (-db, b)])

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "raised")
def product_that_does_not_fit(tf):
    def cross_entropy(tf, W, b, X, Y):
        return cross_entropy_of(tf, tf.transpose(W), b, tf.transpose(X), Y)

    return tensorflow_step_with(tf, cross_entropy)


@mutant("tensorflow_step", "raised")
def reshape_that_does_not_fit_in_a_graph(tf):
    def cross_entropy(tf, W, b, X, Y):
        return cross_entropy_of(tf, W, b, tf.reshape(X, (-1, 784)), Y)

    return tf.function(tensorflow_step_with(tf, cross_entropy))


@mutant("tensorflow_step", "wrong loss returned")
def objective_returned_with_its_penalty(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        penalty = penalty_of(tf, W, reg_lambda)
        return right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda) + penalty

    return my_step


@mutant("tensorflow_step", "wrong loss returned")
def loss_after_the_update(tf):
    right_step = tensorflow_step_with(tf)

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda)
        return cross_entropy_of(tf, W, b, X_batch, Y_batch)

    return my_step


@mutant("tensorflow_step", "b not updated")
def b_never_updated(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        W.assign_sub(learning_rate * tape.gradient(objective, W))
        return cross_entropy

    return my_step


@correct("tensorflow_step")
def plain_function(tf):
    return tensorflow_step_with(tf)


@correct("tensorflow_step")
def compiled_to_a_graph(tf):
    return tf.function(tensorflow_step_with(tf), reduce_retracing=True)


@correct("tensorflow_step")
def keras_optimizer_made_outside(tf):
    optimizer = tf.keras.optimizers.SGD(0.05)

    def update(W, b, dW, db, learning_rate):
        optimizer.learning_rate = learning_rate
        optimizer.apply([dW, db], [W, b])

    return tensorflow_step_with(tf, update=update)


@correct("tensorflow_step")
def keras_optimizer_made_inside(tf):
    def update(W, b, dW, db, learning_rate):
        tf.keras.optimizers.SGD(learning_rate).apply_gradients([(dW, W), (db, b)])

    return tensorflow_step_with(tf, update=update)


@correct("tensorflow_step")
def persistent_tape(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda, verbose=False):
        with tf.GradientTape(persistent=True) as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + reg_lambda * tf.nn.l2_loss(W)
        dW, db = tape.gradient(objective, W), tape.gradient(objective, b)
        del tape
        W.assign(W - learning_rate * dW)
        b.assign(b - learning_rate * db)
        return cross_entropy.numpy()

    return my_step


@correct("tensorflow_step")
def sparse_cross_entropy(tf):
    def cross_entropy(tf, W, b, X, Y):
        labels = tf.argmax(Y, axis=1)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, X @ W + b))

    return tensorflow_step_with(tf, cross_entropy)


@correct("tensorflow_step")
def keras_cross_entropy_from_logits(tf):
    keras_loss = tf.keras.losses.CategoricalCrossentropy(from_logits=True)

    def cross_entropy(tf, W, b, X, Y):
        return keras_loss(Y, tf.matmul(X, W) + b)

    return tf.function(tensorflow_step_with(tf, cross_entropy))


@correct("tensorflow_step")
def log_softmax_by_hand(tf):
    def cross_entropy(tf, W, b, X, Y):
        logits = X @ W + b
        log_p = logits - tf.reduce_logsumexp(logits, axis=1, keepdims=True)
        return -tf.reduce_mean(tf.reduce_sum(Y * log_p, axis=1))

    return tensorflow_step_with(tf, cross_entropy)


@correct("tensorflow_step")
def gradient_without_a_tape(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        log_p = tf.nn.log_softmax(X_batch @ W + b)
        residual = (tf.exp(log_p) - Y_batch) / X_batch.shape[0]
        W.assign_sub(learning_rate * (tf.transpose(X_batch) @ residual + reg_lambda * W))
        b.assign_sub(learning_rate * tf.reduce_sum(residual, axis=0))
        return -tf.reduce_mean(tf.reduce_sum(Y_batch * log_p, axis=1))

    return my_step


def cross_entropy_with(logits=lambda tf, z: z, loss=None):
    """A cross-entropy of logits that are changed, or another loss."""

    def cross_entropy(tf, W, b, X, Y):
        z = logits(tf, X @ W + b)
        if loss is None:
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=z))
        return loss(tf, Y, z)

    return cross_entropy


@mutant("tensorflow_step", "from_logits forgotten")
def keras_without_from_logits(tf):
    keras_loss = tf.keras.losses.CategoricalCrossentropy()
    return tensorflow_step_with(tf, cross_entropy_with(loss=lambda tf, Y, z: keras_loss(Y, z)))


@mutant("tensorflow_step", "activation on the logits")
def relu_left_on_the_logits(tf):
    return tensorflow_step_with(tf, cross_entropy_with(lambda tf, z: tf.nn.relu(z)))


@mutant("tensorflow_step", "binary cross-entropy of every class")
def sigmoid_cross_entropy(tf):
    def loss(tf, Y, z):
        return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=Y, logits=z))

    return tensorflow_step_with(tf, cross_entropy_with(loss=loss))


@mutant("tensorflow_step", "maximum not subtracted")
def softmax_by_hand_that_overflows(tf):
    def loss(tf, Y, z):
        log_p = z - tf.math.log(tf.reduce_sum(tf.exp(z), axis=1, keepdims=True))
        return -tf.reduce_mean(tf.reduce_sum(Y * log_p, axis=1))

    return tensorflow_step_with(tf, cross_entropy_with(loss=loss))


@mutant("tensorflow_step", "one maximum for all rows", "NaN for large logits")
def one_maximum_for_all(tf):
    def loss(tf, Y, z):
        z = z - tf.reduce_max(z)
        log_p = z - tf.math.log(tf.reduce_sum(tf.exp(z), axis=1, keepdims=True))
        return -tf.reduce_mean(tf.reduce_sum(Y * log_p, axis=1))

    return tensorflow_step_with(tf, cross_entropy_with(loss=loss))


@mutant("tensorflow_step", "λ missing; times B", "times B; λ missing")
def summed_without_penalty(tf):
    def loss(tf, Y, z):
        return tf.reduce_sum(tf.nn.softmax_cross_entropy_with_logits(labels=Y, logits=z))

    return tensorflow_step_with(
        tf, cross_entropy_with(loss=loss), penalty_of=lambda tf, W, reg_lambda: 0
    )


@mutant("tensorflow_step", "variables not updated")
def only_the_loss(tf):
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        return cross_entropy_of(tf, W, b, X_batch, Y_batch)

    return my_step


@mutant("tensorflow_step", "W not updated")
def name_W_bound_to_a_new_tensor(tf):
    def update(W, b, dW, db, learning_rate):
        W = W - learning_rate * dW
        b.assign_sub(learning_rate * db)

    return tensorflow_step_with(tf, update=update)


@mutant("tensorflow_step", "variables recreated")
def optimizer_made_inside_a_graph(tf):
    def update(W, b, dW, db, learning_rate):
        tf.keras.optimizers.SGD(learning_rate).apply_gradients([(dW, W), (db, b)])

    return tf.function(tensorflow_step_with(tf, update=update))


@mutant("tensorflow_step", "wrong loss returned")
def objective_returned_in_a_graph(tf):
    right_step = tensorflow_step_with(tf)

    @tf.function
    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        penalty = penalty_of(tf, W, reg_lambda)
        return right_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda) + penalty

    return my_step


@correct("tensorflow_step")
def compiled_with_its_retracing(tf):
    return tf.function(tensorflow_step_with(tf))


@correct("tensorflow_step")
def optimizer_of_keras_3(tf):
    optimizer = tf.keras.optimizers.SGD()

    def my_step(W, b, X_batch, Y_batch, learning_rate, reg_lambda):
        optimizer.learning_rate.assign(learning_rate)
        with tf.GradientTape() as tape:
            cross_entropy = cross_entropy_of(tf, W, b, X_batch, Y_batch)
            objective = cross_entropy + penalty_of(tf, W, reg_lambda)
        variables = [W, b]
        optimizer.apply_gradients(zip(tape.gradient(objective, variables), variables, strict=True))
        return float(cross_entropy)

    return my_step
