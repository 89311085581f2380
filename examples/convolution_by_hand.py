"""A convolution forward and backward on one image, with every number shown.

    python examples/convolution_by_hand.py

A network of four layers looks at one image of 6 x 6 pixels and says whether it is a slash or a backslash:

    convolution, one filter of 3 x 3, no padding    6 x 6 -> 4 x 4
    relu                                            4 x 4
    max pooling, 2 x 2                              4 x 4 -> 2 x 2
    dense and softmax                               4 numbers -> 2 classes

Everything is worked out in plain Python, so that it can be followed with a pencil, and then held against the layers of
convlet. The last step moves each weight against its gradient and shows that the loss has become smaller.
"""

from math import exp, isclose, log

import numpy as np

from convlet.layers import Conv, Dense, MaxPool, Pass, ReLU

Matrix = list[list[float]]

IMAGE: Matrix = [
    [0, 0, 0, 0, 0, 1],
    [0, 0, 0, 0, 2, 1],
    [0, 0, 0, 2, 1, 0],
    [0, 0, 2, 1, 0, 0],
    [0, 2, 1, 0, 0, 0],
    [1, 1, 0, 0, 0, 0],
]
LABEL = 0  # a slash
CLASSES = ("slash", "backslash")

FILTER: Matrix = [[-0.2, 0.1, 0.5], [0.1, 0.4, -0.1], [0.3, -0.2, -0.4]]
BIAS = 0.1
DENSE: Matrix = [[0.2, -0.1], [0.3, 0.1], [-0.2, 0.2], [0.1, 0.4]]  # a row for each of the 4 inputs
DENSE_BIASES = [0.0, 0.1]
LEARNING_RATE = 0.05


def show(title: str, matrix: Matrix, digits: int = 3) -> None:
    print(f"\n{title}")
    for row in matrix:
        print("   " + " ".join(f"{value:8.{digits}f}" for value in row))


def check(name: str, ours: object, layers: object) -> None:
    """Stop where the layer of convlet gives anything else."""
    np.testing.assert_allclose(np.squeeze(layers), np.squeeze(ours), rtol=1e-12, atol=1e-14, err_msg=name)
    print(f"   = what convlet's {name} gives")


def window(x: Matrix, row: int, column: int, size: int) -> list[float]:
    return [x[row + i][column + j] for i in range(size) for j in range(size)]


# --- forward


def convolve(x: Matrix, weights: Matrix, bias: float) -> Matrix:
    """y[p][q] = bias + sum over i, j of x[p + i][q + j] * weights[i][j]"""
    flat = [weight for row in weights for weight in row]
    y = []
    for p in range(len(x) - 2):
        y.append([])
        for q in range(len(x[0]) - 2):
            pixels = window(x, p, q, 3)
            value = bias + sum(pixel * weight for pixel, weight in zip(pixels, flat, strict=True))
            y[-1].append(value)
            products = " + ".join(
                f"{pixel:g}*{weight:.1f}" for pixel, weight in zip(pixels, flat, strict=True) if pixel
            )
            print(f"   y[{p}][{q}] = {bias} + {products or 'nothing but zeros'} = {value:.3f}")
    return y


def pool(x: Matrix) -> tuple[Matrix, list[list[tuple[int, int]]]]:
    """The largest pixel of each 2 x 2 window, and where it was: the way back leads there alone."""
    y, winners = [], []
    for p in range(0, len(x), 2):
        y.append([])
        winners.append([])
        for q in range(0, len(x[0]), 2):
            best = max(((p + i, q + j) for i in (0, 1) for j in (0, 1)), key=lambda at: x[at[0]][at[1]])
            y[-1].append(x[best[0]][best[1]])
            winners[-1].append(best)
    return y, winners


def softmax(logits: list[float]) -> list[float]:
    powers = [exp(logit - max(logits)) for logit in logits]
    return [power / sum(powers) for power in powers]


def loss_of(weights: Matrix, bias: float, dense: Matrix, biases: list[float]) -> float:
    """The loss once more, without a word: for the check by differences and for the step at the end."""
    flat = [weight for row in weights for weight in row]
    y = [
        [bias + sum(a * b for a, b in zip(window(IMAGE, p, q, 3), flat, strict=True)) for q in range(4)]
        for p in range(4)
    ]
    pooled, _ = pool([[max(value, 0.0) for value in row] for row in y])
    inputs = [value for row in pooled for value in row]
    logits = [biases[k] + sum(inputs[n] * dense[n][k] for n in range(4)) for k in range(2)]
    return -log(softmax(logits)[LABEL])


def main() -> None:
    nhwc = np.array(IMAGE, np.float64).reshape(1, 6, 6, 1)
    conv, relu, pooling, head = Conv(1, padding="valid"), ReLU(), MaxPool(), Dense(2)
    conv_parameters = {"weights": np.array(FILTER).reshape(3, 3, 1, 1), "biases": np.array([BIAS])}
    head_parameters = {"weights": np.array(DENSE), "biases": np.array(DENSE_BIASES)}
    run = Pass(training=True)

    print("FORWARD")
    show("1. the image, 6 x 6: a slash", IMAGE, 0)
    show(f"   the filter, 3 x 3, and its bias {BIAS}", FILTER, 1)
    print("\n2. convolution: the filter stands on each 3 x 3 window; products with a pixel of 0 are left out")
    y = convolve(IMAGE, FILTER, BIAS)
    show("   the output, 4 x 4", y)
    y_layer, conv_saved = conv.forward(nhwc, conv_parameters, {}, run)
    check("Conv", y, y_layer)

    r = [[max(value, 0.0) for value in row] for row in y]
    show("3. relu: what is negative becomes 0", r)
    r_layer, relu_saved = relu.forward(y_layer, {}, {}, run)
    check("ReLU", r, r_layer)

    pooled, winners = pool(r)
    show("4. max pooling: the largest pixel of each 2 x 2 window", pooled)
    print(f"   they stood at (row, column) {', '.join(map(str, winners[0] + winners[1]))}")
    p_layer, pool_saved = pooling.forward(r_layer, {}, {}, run)
    check("MaxPool", pooled, p_layer)

    inputs = [value for row in pooled for value in row]
    logits = []
    print("\n5. dense: each class adds up the four numbers, each times its weight")
    for k, name in enumerate(CLASSES):
        logits.append(DENSE_BIASES[k] + sum(inputs[n] * DENSE[n][k] for n in range(4)))
        products = " + ".join(f"{inputs[n]:.3f}*{DENSE[n][k]:.1f}" for n in range(4))
        print(f"   {name}: {DENSE_BIASES[k]} + {products} = {logits[k]:.4f}")
    z_layer, head_saved = head.forward(p_layer, head_parameters, {}, run)
    check("Dense", logits, z_layer)

    probabilities = softmax(logits)
    loss = -log(probabilities[LABEL])
    print("\n6. softmax: exp of each, over their sum")
    for name, logit, probability in zip(CLASSES, logits, probabilities, strict=True):
        print(f"   {name}: exp({logit:.4f}) = {exp(logit):.4f}, probability {probability:.4f}")
    print(f"   loss = -log {probabilities[LABEL]:.4f} = {loss:.4f}")

    print("\n\nBACKWARD: how the loss would change with each number, from the last to the first")
    dz = [probability - (k == LABEL) for k, probability in enumerate(probabilities)]
    print("\n6. softmax and loss: probability, less 1 where the label is")
    print(f"   d loss / d logits = {', '.join(f'{value:+.4f}' for value in dz)}")

    ddense = [[inputs[n] * dz[k] for k in range(2)] for n in range(4)]
    dinputs = [sum(DENSE[n][k] * dz[k] for k in range(2)) for n in range(4)]
    show("5. dense: d weight[n][k] = input[n] * d logit[k]", ddense, 4)
    for n in range(4):
        products = " + ".join(f"{DENSE[n][k]:.1f}*{dz[k]:.4f}" for k in range(2))
        print(f"   d input[{n}] = {products} = {dinputs[n]:+.4f}")
    dp_layer, head_gradients = head.backward(np.array([dz]), head_saved, head_parameters)
    check("Dense", ddense, head_gradients["weights"])

    dr = [[0.0] * 4 for _ in range(4)]
    for (row, column), value in zip(winners[0] + winners[1], dinputs, strict=True):
        dr[row][column] = value
    show("4. max pooling: all of it goes to the pixel that won its window", dr, 4)
    dr_layer, _ = pooling.backward(dp_layer, pool_saved, {})
    check("MaxPool", dr, dr_layer)

    dy = [[dr[p][q] if y[p][q] > 0 else 0.0 for q in range(4)] for p in range(4)]
    show("3. relu: nothing passes where the output was 0", dy, 4)
    dy_layer, _ = relu.backward(dr_layer, relu_saved, {})
    check("ReLU", dy, dy_layer)

    print("\n2. convolution: each weight touched every window, so it gathers from all of them")
    dfilter = [[0.0] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(3):
            terms = [(IMAGE[p + i][q + j], dy[p][q]) for p in range(4) for q in range(4)]
            dfilter[i][j] = sum(pixel * change for pixel, change in terms)
            products = " + ".join(f"{pixel:g}*{change:.4f}" for pixel, change in terms if pixel and change)
            print(f"   d weight[{i}][{j}] = {products or '0'} = {dfilter[i][j]:+.4f}")
    dbias = sum(map(sum, dy))
    print(f"   d bias = the sum of all d y = {dbias:+.4f}")
    dx_layer, conv_gradients = conv.backward(dy_layer, conv_saved, conv_parameters)
    check("Conv", dfilter, conv_gradients["weights"])
    check("Conv", dbias, conv_gradients["biases"])

    dx = [[0.0] * 6 for _ in range(6)]
    for p in range(4):
        for q in range(4):
            for i in range(3):
                for j in range(3):
                    dx[p + i][q + j] += dy[p][q] * FILTER[i][j]
    show("1. the image: each pixel gets back from every window it stood in, by the weight it met there", dx, 4)
    check("Conv", dx, dx_layer)
    print("   (deeper networks need this: it is the d y of the layer before)")

    print("\n\nIS IT TRUE? Change one weight a little, and see how the loss changes")
    for i in range(3):
        for j in range(3):
            losses = []
            for sign in (1, -1):
                moved = [row[:] for row in FILTER]
                moved[i][j] += sign * 1e-6
                losses.append(loss_of(moved, BIAS, DENSE, DENSE_BIASES))
            slope = (losses[0] - losses[1]) / 2e-6
            print(f"   weight[{i}][{j}]: by differences {slope:+.6f}, by the chain rule {dfilter[i][j]:+.6f}")
            assert isclose(slope, dfilter[i][j], rel_tol=1e-5, abs_tol=1e-8)

    print(f"\n\nLEARN: every number less {LEARNING_RATE} times its gradient")
    learned = [
        [w - LEARNING_RATE * d for w, d in zip(*rows, strict=True)] for rows in zip(FILTER, dfilter, strict=True)
    ]
    dense = [[w - LEARNING_RATE * d for w, d in zip(*rows, strict=True)] for rows in zip(DENSE, ddense, strict=True)]
    biases = [b - LEARNING_RATE * d for b, d in zip(DENSE_BIASES, dz, strict=True)]
    show("   the filter", learned, 4)
    after = loss_of(learned, BIAS - LEARNING_RATE * dbias, dense, biases)
    print(f"\n   the loss was {loss:.4f} and is {after:.4f}")
    assert after < loss


if __name__ == "__main__":
    main()
