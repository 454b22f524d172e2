"""Put a still picture beside each plotly figure, for readers without a running notebook."""

import base64

from nbformat import NotebookNode, from_dict

from glassbox.publish.normalise import encoded
from glassbox.publish.problem import Problem, Refused

KEY = "glassbox"  # where a figure leaves its key states and its text alternative while the course is built


def pop_requests(notebook: NotebookNode) -> list[tuple[NotebookNode, dict]]:
    """Take out of the outputs' metadata what each figure asks to be drawn."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    asking = [output for output in outputs if KEY in output.get("metadata", {})]
    return [(output, output.metadata.pop(KEY)) for output in asking]


def add_stills(name: str, requests: list[tuple[NotebookNode, dict]]) -> None:
    """Draw every request and store picture and text alternative in its output.

    Raises: Refused, for the notebook `name`, where no browser is found to draw.
    """
    if not requests:
        return
    from glassbox.draw.still import stills  # a browser draws: loaded only when there is something to draw

    asked = [request for _, request in requests]
    try:
        pictures = stills([request["static"] for request in asked], [request["alt"] for request in asked])
    except RuntimeError as error:
        raise Refused([Problem(name, "still pictures", str(error))]) from error
    for (output, request), picture in zip(requests, pictures, strict=True):
        output.data["image/png"] = encoded(picture)
        output.metadata["image/png"] = from_dict({"alt": request["alt"]})


def signature(notebook: NotebookNode) -> bytes | None:
    """Return the still picture of the notebook's signature figure, or None where no cell has that tag."""
    for cell in notebook.cells:
        if "signature" in cell.metadata.get("tags", []):
            for output in cell.get("outputs", []):
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output.data["image/png"])
    return None
