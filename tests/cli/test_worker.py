"""`foregate worker`."""

from typer.testing import CliRunner

from foregate.cli.app import app


def test_a_worker_without_work_ends(tmp_path):
    """With `--once` and nothing to do it ends at once, with the folder made."""
    folder = tmp_path / "service"
    done = CliRunner().invoke(app, ["worker", "--once", "--data-dir", str(folder)])
    assert done.exit_code == 0, done.output
    assert (folder / "foregate.db").exists()
