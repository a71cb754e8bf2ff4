"""The gate's HTTP side is what schemas/gate-api.v1.yaml says."""

from pathlib import Path

import pytest
import yaml
from conftest import BIN
from contract_client import try_contract
from gate_world import REPOSITORY, Gate, GateWorld
from local.process import http_ok

CONTRACT = Path(__file__).resolve().parents[2] / "schemas/gate-api.v1.yaml"
TOKEN = "token-of-the-gate-0001"
# Of what is right by its schema, these may be refused all the same: members that nobody looks at may hold what is no text (U+0000).
LENIENT = ("post_admission", "post_admission_of_cluster", "post_gate")


@pytest.fixture(scope="module")
def gate(state_root):
    patch = pytest.MonkeyPatch()
    patch.setenv("MUSTER_GATE_TOKEN", TOKEN)
    world = GateWorld(state_root / "gate-contract", BIN)
    world.start()
    world.build()
    one = Gate(world, "contract")
    one.start()
    yield one
    one.process.stop()
    world.postgres.process.stop()
    patch.undo()


def test_no_answer_of_the_gate_differs_from_the_contract(gate):
    url = f"http://127.0.0.1:{gate.port}"
    try_contract(gate.folder, CONTRACT, url, TOKEN, LENIENT, 7)
    assert http_ok(f"{url}/healthz")


def test_each_member_of_a_verdict_is_described_and_comes(gate):
    """The client asks about images that nobody knows."""
    described = yaml.safe_load(CONTRACT.read_text())["components"]["schemas"]["Verdict"]["properties"]
    status, answer = gate.post("/v1/gate", {"images": [f"{REPOSITORY}:{tag}" for tag in ("1.0", "2.0", "3.0", "4.0", "5.0")]},
                               {"Authorization": f"Bearer {TOKEN}"})
    assert status == 200
    assert set().union(*answer["verdicts"]) == set(described)
