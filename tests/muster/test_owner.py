"""A clone that root has used before says so to anybody else."""

import os
from pathlib import Path

import pytest
from local.process import StackError


def test_a_folder_of_somebody_else_is_named_with_its_owner(script, monkeypatch, tmp_path):
    monkeypatch.setenv("MUSTER_STATE", str(tmp_path))
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path and real(path, mode))
    with pytest.raises(StackError, match=f"{tmp_path} belongs to '{tmp_path.owner()}'"):
        script.check_owner()
    monkeypatch.undo()
    script.check_owner()
