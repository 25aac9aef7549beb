"""`docs/structure.md` is true: rooms, floors, and the functions on a row's way."""

import ast
import re
from pathlib import Path

import pytest

from persona_assets_tests.test_planes import ROOT, imports_between_rooms

PAGE = Path(__file__).parents[1] / "docs" / "structure.md"
TEXT = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
FLOORS = {
    room: int(floor)
    for floor, rooms in re.findall(r"^\| (\d+) \| (`[^|]+`) \|", TEXT, re.MULTILINE)
    for room in re.findall(r"`(\w+)`", rooms)
}
STEPS = sorted(set(re.findall(r"`([\w/]+\.py): (\w+)`", TEXT)))


def test_every_room_imports_from_floors_below_its_own():
    rooms = imports_between_rooms()
    rooms.pop("__init__", None)
    assert FLOORS.keys() == rooms.keys()
    upwards = [
        (room, other)
        for room, others in rooms.items()
        for other in others & FLOORS.keys()
        if FLOORS[other] >= FLOORS[room]
    ]
    assert upwards == []


@pytest.mark.parametrize(("file", "name"), STEPS)
def test_every_step_is_a_function_that_there_is(file, name):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    assert name in defined


def test_the_way_of_a_row_has_its_steps():
    assert len(STEPS) > 12
