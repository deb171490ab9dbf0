"""Answers to `checks.preprocess_data`."""

import numpy as np
import pandas as pd

from answers.answer import correct, mutant, torch


def raw(data):
    """Images as rows of uint8 pixels, and labels."""
    return data.data.numpy().reshape(len(data.data), -1), data.targets.numpy()


def scaled(images):
    return images.astype(np.float32) / 255


def one_hot(labels):
    return np.eye(10, dtype=np.float32)[labels]


@mutant("preprocess_data", "one-hot off by one")
def digits_counted_from_one(data):
    images, labels = raw(data)
    return scaled(images), one_hot(labels - 1)


@mutant("preprocess_data", "one-hot off by one")
def one_class_too_far(data):
    images, labels = raw(data)
    Y = np.zeros((len(labels), 10), np.float32)
    for i, label in enumerate(labels):
        Y[i, (label + 1) % 10] = 1
    return scaled(images), Y


@mutant("preprocess_data", "one-hot off by one")
def compared_with_one_to_ten(data):
    images, labels = raw(data)
    return scaled(images), (labels[:, None] == np.arange(1, 11)).astype(np.float32)


@mutant("preprocess_data", "one-hot off by one")
def eleven_classes_counted_from_one(data):
    images, labels = raw(data)
    return scaled(images), np.eye(11, dtype=np.float32)[labels + 1]


@mutant("preprocess_data", "one-hot off by one")
def first_column_cut_off(data):
    images, labels = raw(data)
    return scaled(images), np.eye(11, dtype=np.float32)[labels][:, 1:]


@mutant("preprocess_data", "one-hot off by one", "raised")
def as_many_classes_as_the_largest_label(data):
    images, labels = raw(data)
    Y = np.zeros((len(labels), labels.max()), np.float32)
    Y[np.arange(len(labels)), labels] = 1
    return scaled(images), Y


@mutant("preprocess_data", "updated in place")
def data_set_scaled(data):
    data.data = data.data.float() / 255
    return data.data.reshape(-1, 784).numpy(), one_hot(data.targets.numpy())


@mutant("preprocess_data", "updated in place")
def labels_counted_on(data):
    images, labels = raw(data)
    Y = one_hot(labels)
    labels += 1  # they share the memory of data.targets
    return scaled(images), Y


@mutant("preprocess_data")
def each_image_by_its_largest_pixel(data):
    images, labels = raw(data)
    return scaled(images) * 255 / images[1:].max(axis=0), one_hot(labels)


@mutant("preprocess_data", "pixels standardized")
def standardized(data):
    images, labels = raw(data)
    return (images - images.mean(axis=0)) / (images.std(axis=0) + 1e-6), one_hot(labels)


@correct("preprocess_data", warns=None)
def looked_at_on_the_way(data):
    images, labels = raw(data)
    X, Y = scaled(images), one_hot(labels)
    assert str(data).startswith("Dataset MNIST") and data.train
    assert X.max() == 1 and (Y.sum(axis=0) > 0).all()
    return X, Y


@mutant("preprocess_data", "one-hot transposed")
def a_column_for_each_example(data):
    images, labels = raw(data)
    return scaled(images), one_hot(labels).T


@mutant("preprocess_data", "one-hot transposed")
def filled_by_class_and_example(data):
    images, labels = raw(data)
    Y = np.zeros((10, len(labels)), np.float32)
    Y[labels, np.arange(len(labels))] = 1
    return scaled(images), Y


@mutant("preprocess_data", "pixels not scaled")
def only_another_dtype(data):
    images, labels = raw(data)
    return images.astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "pixels not scaled")
def pixels_as_they_are_stored(data):
    images, labels = raw(data)
    return images, one_hot(labels)


@mutant("preprocess_data", "pixels not scaled")
def scaled_image_thrown_away(data):
    rows = []
    for image in data.data.numpy():
        row = image.ravel().astype(np.float32)
        row / 255
        rows.append(row)
    return np.stack(rows), one_hot(data.targets.numpy())


@mutant("preprocess_data", "pixels scaled twice")
def to_tensor_has_scaled_already(data):
    X = np.stack([image.numpy().ravel() for image, _ in data]) / np.float32(255)
    return X, one_hot(data.targets.numpy())


@mutant("preprocess_data", "pixels scaled twice")
def scaled_before_and_after_flattening(data):
    images = data.data.float() / 255
    X = images.reshape(len(images), -1).numpy()
    return X / np.float32(255), one_hot(data.targets.numpy())


@mutant("preprocess_data", "uint8 overflow")
def doubled_before_the_division(data):
    images, labels = raw(data)
    return (images * 2 / 510).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def added_to_itself(data):
    images, labels = raw(data)
    return ((images + images) / 510).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def in_percent_first(data):
    images, labels = raw(data)
    return (images * 100 / 255 / 100).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def doubled_in_torch(data):
    X = (data.data * 2 / 510).reshape(len(data.data), -1)
    return X.numpy(), one_hot(data.targets.numpy())


@mutant("preprocess_data", "uint8 overflow")
def times_255_and_back(data):
    images, labels = raw(data)
    return ((images * 255) / 255**2).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def centered_in_uint8(data):
    images, labels = raw(data)
    return ((images - 128) / 255).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def moved_down_in_uint8_and_up_in_float(data):
    images, labels = raw(data)
    return ((images - 128).astype(np.float32) + 128) / 255, one_hot(labels)


@mutant("preprocess_data", "images reordered against labels")
def images_shuffled_alone(data):
    images, labels = raw(data)
    return scaled(np.random.default_rng(0).permutation(images)), one_hot(labels)


@mutant("preprocess_data", "images reordered against labels")
def images_sorted_by_label(data):
    images, labels = raw(data)
    return scaled(images[np.argsort(labels)]), one_hot(labels)


@mutant("preprocess_data", "images reordered against labels")
def labels_sorted(data):
    images, labels = raw(data)
    return scaled(images), one_hot(np.sort(labels))


@mutant("preprocess_data", "images reordered against labels")
def images_backwards(data):
    images, labels = raw(data)
    return scaled(images[::-1]), one_hot(labels)


@mutant("preprocess_data", "images not flattened")
def images_not_flattened(data):
    return scaled(data.data.numpy()), one_hot(data.targets.numpy())


@mutant("preprocess_data", "pixels mixed up")
def pixels_of_different_images_in_a_row(data):
    images = data.data.numpy().reshape(784, -1).T
    return scaled(images), one_hot(data.targets.numpy())


@mutant("preprocess_data", "rows and columns of the images exchanged")
def pixels_column_by_column(data):
    images, labels = raw(data)
    by_column = images.reshape(-1, 28, 28).transpose(0, 2, 1).reshape(len(images), -1)
    return scaled(by_column), one_hot(labels)


@mutant("preprocess_data", "labels not one-hot")
def labels_not_one_hot(data):
    images, labels = raw(data)
    return scaled(images), labels


@mutant("preprocess_data", "divided as integers")
def pixels_divided_without_remainder(data):
    images, labels = raw(data)
    return (images // 255).astype(np.float32), one_hot(labels)


@mutant("preprocess_data", "uint8 overflow")
def pixels_through_int8(data):
    images, labels = raw(data)
    return scaled(images.astype(np.int8)), one_hot(labels)


@correct("preprocess_data")
def one_division_into_float32(data):
    images, labels = raw(data)
    return np.divide(images, np.float32(255), dtype=np.float32), one_hot(labels)


@correct("preprocess_data")
def float32_times_a_reciprocal(data):
    images, labels = raw(data)
    return images.astype(np.float32) * np.float32(1 / 255), one_hot(labels)


@correct("preprocess_data")
def through_to_tensor_one_by_one(data):
    X, Y = [], []
    for image, label in data:
        X.append(image.numpy().reshape(784))
        Y.append(np.eye(10, dtype="float32")[label])
    return np.array(X), np.array(Y)


@correct("preprocess_data")
def in_torch(data):
    X = data.data.view(-1, 784).float().div(255)
    Y = torch().nn.functional.one_hot(data.targets, num_classes=10).float()
    return X.numpy(), Y.numpy()


@correct("preprocess_data")
def divided_by_the_largest_pixel(data):
    images, labels = raw(data)
    X = images.astype(np.float32)
    X /= X.max()
    return X, one_hot(labels)


@correct("preprocess_data", warns=None)
def classes_counted_in_the_data(data, dtype=np.float32):
    images, labels = raw(data)
    Y = np.zeros((labels.size, labels.max() + 1))
    Y[np.arange(labels.size), labels] = 1
    return images.astype(dtype) / 255, Y


@correct("preprocess_data", warns=None)
def dummies_of_pandas(data):
    images, labels = raw(data)
    return scaled(images), pd.get_dummies(labels).to_numpy(dtype=np.float32)


@correct("preprocess_data", warns=None)
def float64_labels_only(data):
    images, labels = raw(data)
    return scaled(images), np.eye(10)[labels]


@correct("preprocess_data", warns=True)
def float64_all_the_way(data):
    images, labels = raw(data)
    return images / 255, np.eye(10)[labels]


@correct("preprocess_data", warns=True)
def float64_on_the_way(data):
    images, labels = raw(data)
    return (images / 255.0).astype(np.float32), one_hot(labels)


@correct("preprocess_data", warns=True)
def float64_images_only(data):
    images, labels = raw(data)
    return images.astype(float) / 255, one_hot(labels)


# Common single mistakes, and two at once


def _prepared(name, prepare, *mistakes, one_hot=one_hot):
    def my_preprocess_data(data):
        return prepare(data.data.numpy().astype(np.float32)), one_hot(data.targets.numpy())

    my_preprocess_data.__name__ = name
    mutant("preprocess_data", *mistakes)(my_preprocess_data)


def rows(images):
    return images.reshape(len(images), -1)


_prepared("a_channel_is_left", lambda images: images[:, None] / 255, "images not flattened")
_prepared("a_channel_at_the_end", lambda images: images[..., None] / 255, "images not flattened")
_prepared(
    "raw_images_with_a_channel",
    lambda images: images[:, None],
    "pixels not scaled; images not flattened",
)
_prepared("raw_images", lambda images: images, "pixels not scaled; images not flattened")
_prepared(
    "constants_of_pytorch_examples",
    lambda images: (rows(images) / 255 - 0.1307) / 0.3081,
    "pixels standardized",
)
_prepared("from_minus_one_to_one", lambda x: (rows(x) - 127.5) / 127.5, "pixels standardized")
_prepared("mean_subtracted", lambda x: (rows(x) - rows(x).mean(0)) / 255, "pixels standardized")
_prepared(
    "unit_length",
    lambda x: rows(x) / np.linalg.norm(rows(x), axis=1, keepdims=True),
    "images normalized one by one",
)
_prepared(
    "largest_pixel_of_each_image",
    lambda x: rows(x) / rows(x).max(axis=1, keepdims=True),
    "images normalized one by one",
)
_prepared("columns_scaled", lambda x: rows(x) / rows(x).max(axis=0), "pixels normalized one by one")
_prepared("thresholded", lambda x: (rows(x) > 127) * 1.0, "black and white only")
_prepared(
    "labels_as_numbers",
    lambda x: rows(x) / 255,
    "labels not one-hot",
    one_hot=lambda labels: labels[:, None],
)
_prepared(
    "nine_zeros_as_minus_one",
    lambda x: rows(x) / 255,
    "−1 in place of 0",
    one_hot=lambda labels: 2 * one_hot(labels) - 1,
)
_prepared(
    "columns_for_eleven_digits",
    lambda x: rows(x) / 255,
    "more or fewer columns than classes",
    one_hot=lambda labels: np.eye(11)[labels],
)
_prepared(
    "zero_for_the_class",
    lambda x: rows(x) / 255,
    "0 and 1 exchanged",
    one_hot=lambda labels: (labels[:, None] != np.arange(10)) * 1.0,
)
_prepared("as_many_as_a_byte_has_values", lambda x: rows(x) / 256, "divided by 256")
_prepared("paper_as_one", lambda x: 1 - rows(x) / 255, "ink inverted")
_prepared("transposed_and_raw", lambda x: rows(x).T, "pixels not scaled; transposed")


@mutant("preprocess_data", "not the data it is given")
def the_variables_of_the_notebook(data):
    all_images, all_labels = np.full((20, 784), 255, np.uint8), np.arange(20) % 10
    return scaled(all_images), one_hot(all_labels)


@mutant("preprocess_data", "X and Y swapped")
def labels_first(data):
    X, Y = one_division_into_float32(data)
    return Y, X
