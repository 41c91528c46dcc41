"""Slack's native line chart (a `data_visualization` block), which slack_sdk's models do not know yet."""

from dataclasses import dataclass
from typing import Any

from notifier.rendering.story import Chart
from notifier.rendering.text import cut

CHART = "data_visualization"
TITLE, AXIS, POINTS, LABEL = 50, 50, 20, 20
"""The most characters of the title and of an axis's, the most points, the most characters of a point's label."""


@dataclass(frozen=True, slots=True)
class ChartBlock:
    """One series as a line, cut to Slack's limits."""

    chart: Chart

    def to_dict(self) -> dict[str, Any]:
        """The block as Slack takes it: the axis names each point's label, and each only once."""
        points = {cut(label, LABEL): value for label, value in self.chart.points[-POINTS:]}
        data = [{"label": label, "value": value} for label, value in points.items()]
        return {
            "type": CHART,
            "title": cut(self.chart.title, TITLE),
            "chart": {
                "type": "line",
                "series": [{"name": cut(self.chart.y_label, LABEL), "data": data}],
                "axis_config": {
                    "categories": list(points),
                    "x_label": cut(self.chart.x_label, AXIS),
                    "y_label": cut(self.chart.y_label, AXIS),
                },
            },
        }
