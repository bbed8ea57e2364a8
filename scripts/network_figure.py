"""Draws a network: populations in the columns of their waves, projections with sizes, media and rules.

The network is what `memprop inspect FILE --dot --json` prints, and network.json of a result directory.
"""

import matplotlib.patches as patches
import matplotlib.pyplot as plt

# Okabe and Ito's palette, as in plot.py; numbers are grey.
MEDIA_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
NUMBERS_COLOUR = "#7F7F7F"
BOX_WIDTH, BOX_HEIGHT = 1.5, 0.62
COLUMN, ROW = 3.6, 1.7


def positions_of(populations):
    """Centre of each population: a column for each wave, rows around the middle."""
    columns = {}
    for index, population in enumerate(populations):
        columns.setdefault(population["wave"], []).append(index)
    places = {}
    for x, wave in enumerate(sorted(columns)):
        members = columns[wave]
        for row, index in enumerate(members):
            places[index] = (COLUMN * x, ROW * ((len(members) - 1) / 2 - row))
    return places


def label_of(projection):
    text = f"{projection['name']}: {projection['rows']} x {projection['columns']}"
    more = [] if projection["connect"] == "dense" else [f"{projection['connect']}, {projection['synapses']} synapses"]
    if projection["delay_steps"]:
        more.append(f"delay {projection['delay_steps']}")
    if projection["rule"]:
        more.append(projection["rule"])
    return f"{text}\n{', '.join(more)}" if more else text


def draw_edge(axis, start, end, projection, colour, lane):
    """An arrow between two populations; `lane` bends those apart that share their ends."""
    style = {"color": colour, "lw": 1.6, "ls": "-" if projection["rule"] else (0, (4, 2)), "mutation_scale": 12,
             "arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "zorder": 1}
    (x0, y0), (x1, y1) = start, end
    if start == end:
        top = y0 + BOX_HEIGHT / 2
        reach = 0.55 + 0.3 * lane
        path = patches.FancyArrowPatch((x0 - 0.35, top), (x0 + 0.35, top), connectionstyle=f"arc3,rad=-{1.6 * reach}",
                                       **style)
        place = (x0, top + reach)
    else:
        rightwards, level = x1 > x0, x1 == x0
        side = BOX_WIDTH / 2 if rightwards else -BOX_WIDTH / 2
        ends = (((x0, y0 + (BOX_HEIGHT / 2 if y1 > y0 else -BOX_HEIGHT / 2)),
                 (x1, y1 + (BOX_HEIGHT / 2 if y0 > y1 else -BOX_HEIGHT / 2))) if level
                else ((x0 + side, y0), (x1 - side, y1)))
        over = abs(x1 - x0) > COLUMN  # of populations between
        bend = 0.18 * lane + (0.0 if rightwards else 0.35) + (0.25 if over else 0.0)
        path = patches.FancyArrowPatch(*ends, connectionstyle=f"arc3,rad={bend}", **style)
        (ax, ay), (bx, by) = ends
        place = ((ax + bx) / 2 + bend * (by - ay) / 2, (ay + by) / 2 - bend * (bx - ax) / 2)
    axis.add_patch(path)
    axis.text(*place, label_of(projection), fontsize=7, ha="center", va="center", zorder=3,
              bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1})


def network_figure(network):
    """The figure of a network as `memprop inspect --dot --json` gives it."""
    populations, projections = network["populations"], network["projections"]
    places = positions_of(populations)
    media = sorted({p["medium"] for p in projections if p["medium"]})
    colours = {medium: MEDIA_COLOURS[i % len(MEDIA_COLOURS)] for i, medium in enumerate(media)}
    xs, ys = zip(*places.values())
    width, height = max(xs) - min(xs) + BOX_WIDTH + 1.2, max(ys) - min(ys) + BOX_HEIGHT + 1.9
    figure, axis = plt.subplots(figsize=(max(4.0, width), max(2.5, height)))
    judged = {o["population"]: o for o in network["objectives"]}
    for index, population in enumerate(populations):
        x, y = places[index]
        axis.add_patch(patches.FancyBboxPatch((x - BOX_WIDTH / 2, y - BOX_HEIGHT / 2), BOX_WIDTH, BOX_HEIGHT,
                                              boxstyle="round,pad=0.02", facecolor="white", edgecolor="black",
                                              lw=2.2 if index in judged else 1.0, zorder=2))
        axis.text(x, y, f"{population['name']}\n{population['size']} {population['model']}", ha="center", va="center",
                  fontsize=8, zorder=4)
        if index in judged:
            axis.text(x, y - BOX_HEIGHT / 2 - 0.12, f"{judged[index]['name']}: {judged[index]['loss']}", ha="center",
                      va="top", fontsize=7)
    lanes = {}
    for projection in projections:
        ends = (projection["from"], projection["to"])
        lane = lanes.get(ends, 0)
        lanes[ends] = lane + 1
        draw_edge(axis, places[ends[0]], places[ends[1]], projection,
                  colours.get(projection["medium"], NUMBERS_COLOUR), lane)
    for medium, colour in [*colours.items(), ("numbers", NUMBERS_COLOUR)]:
        axis.plot([], [], color=colour, lw=2, label=medium)
    if any(not p["rule"] for p in projections):
        axis.plot([], [], color="black", lw=1.5, ls=(0, (4, 2)), label="does not learn")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=4, fontsize=7, frameon=False)
    axis.set(xlim=(min(xs) - BOX_WIDTH / 2 - 0.6, max(xs) + BOX_WIDTH / 2 + 0.6),
             ylim=(min(ys) - BOX_HEIGHT / 2 - 0.6, max(ys) + BOX_HEIGHT / 2 + 1.3))
    axis.axis("off")
    return figure
