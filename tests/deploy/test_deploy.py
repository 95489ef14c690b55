"""The files of deployment: what they name exists, and the tools that read them take them."""

import json
import re
import shutil
import subprocess

import kubernetes_validate
import pytest
import yaml

from deploy.grafana import build
from foregate.service.metrics import Metrics
from foregate.service.settings import Settings
from tests.house import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
ALERTS, DASHBOARD = DEPLOY / "prometheus" / "alerts.yml", DEPLOY / "grafana" / "dashboards" / "foregate.json"
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").glob("*.yaml") if path.name != "kustomization.yaml")
METRIC = re.compile(r"\bforegate_[a-z_]+")
SETTING = re.compile(r"\bFOREGATE_SERVE_([A-Z_]+)\b")
PARTS = {".yaml", ".yml", ".service", ""}


def exported():
    """The names under which samples of all metrics are exported."""
    named = set()
    for family in Metrics().registry.collect():
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}.get(family.type, [""])
        named |= {family.name + end for end in ends}
    return named


def rules():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD, DEPLOY / "prometheus" / "alerts_test.yml"], ids=lambda p: p.name)
def test_every_metric_that_is_asked_for_exists(path):
    """Alerts, their tests and the dashboard ask for metrics that the service exports, and for no others."""
    asked = set(METRIC.findall(path.read_text()))
    assert asked, "nothing is asked for"
    assert asked <= exported(), asked - exported()


def test_prometheus_has_a_key_that_may_read_the_metrics():
    """The key that the files say how to make is good for /metrics, and goes where Prometheus looks for it."""
    compose, scraped = (DEPLOY / "compose.yaml").read_text(), (DEPLOY / "prometheus" / "prometheus.yml").read_text()
    for text in (compose, scraped):
        assert re.findall(r"keys add prometheus --scopes (\S+?)[`\s]", text) == ["metrics"]
    made = re.search(r"> deploy/(\S+)", compose)
    assert made is not None
    mounts = dict(each.split(":")[:2] for each in yaml.safe_load(compose)["services"]["prometheus"]["volumes"])
    assert f"credentials_file: {mounts[f'./{made[1]}']}" in scraped


@pytest.mark.parametrize("secret", [".env", "secrets/metrics-key", "kubernetes/secret.yaml"])
def test_what_is_filled_in_is_not_committed(secret):
    """Files with secrets that the pages say to make are left out of the repository."""
    if shutil.which("git") is None or not (REPOSITORY / ".git").exists():
        pytest.skip("no repository")
    done = subprocess.run(["git", "check-ignore", "-q", f"deploy/{secret}"], cwd=REPOSITORY, check=False)
    assert done.returncode == 0


def test_every_metric_is_on_the_dashboard():
    """What the service counts is shown, but for what only tells which program it is."""
    asked = set(METRIC.findall(DASHBOARD.read_text()))
    missing = {
        family.name
        for family in Metrics().registry.collect()
        if not any(name.startswith(family.name) for name in asked)
    }
    assert missing <= {"foregate_build_info", "foregate_db_commit_batch_size"}


def test_the_dashboard_is_what_its_script_writes():
    """The dashboard is not edited by hand."""
    assert json.loads(DASHBOARD.read_text()) == build.dashboard()


def test_panels_do_not_overlap():
    """No two panels of the dashboard lie on one another."""
    taken = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_alert_has_a_runbook():
    """Every alert has a severity, a sentence, and a paragraph that says what to do."""
    page = (REPOSITORY / "docs" / "operations.md").read_text()
    anchors = {heading.strip().lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", page, re.MULTILINE)}
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith(".")
        file, anchor = rule["annotations"]["runbook"].split("#")
        assert file == "docs/operations.md"
        assert anchor in anchors, anchor


@pytest.mark.parametrize(
    "words", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")], ids=" ".join
)
def test_promtool_takes_the_rules(words):
    """Prometheus's own tool finds no fault with the rules, and they fire and stay silent as they should."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed: apt-get install prometheus")
    done = subprocess.run(["promtool", *words], cwd=ALERTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_manifests_follow_their_schemas(path):
    """Every manifest is what the schemas of Kubernetes allow, to the last field."""
    for document in documents(path):
        kubernetes_validate.validate(document, "1.36", strict=True)


def test_all_manifests_are_listed():
    """The list of manifests names all of them but the example of the secret."""
    listed = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in MANIFESTS} - {"secret.example.yaml"} == set(listed)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_pods_have_no_rights(path):
    """Every container runs as nobody, on a file system that it cannot write, without capabilities, within limits."""
    for document in documents(path):
        if document["kind"] != "Deployment":
            continue
        pod = document["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"]
            assert not rights["allowPrivilegeEscalation"]
            assert rights["capabilities"] == {"drop": ["ALL"]}
            assert "memory" in container["resources"]["limits"]


def test_selectors_meet_their_pods():
    """What selects pods by labels selects some."""
    found = [document for path in MANIFESTS for document in documents(path)]
    labels = [d["spec"]["template"]["metadata"]["labels"] for d in found if d["kind"] == "Deployment"]
    for document in found:
        spec = document.get("spec", {})
        wanted = {"Service": spec.get("selector"), "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels")}
        wanted["PodDisruptionBudget"] = spec.get("selector", {}).get("matchLabels")
        if document["kind"] in wanted:
            assert wanted[document["kind"]] in labels, document["metadata"]["name"]


def test_every_setting_that_is_set_exists():
    """Images, compose file, manifests and units set what can be set, and nothing misspelt."""
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.suffix in PARTS | {".env"}]
    named = {name for path in files for name in SETTING.findall(path.read_text())}
    assert {"DATABASE", "ACCESS__SECRET"} <= named
    for name in named:
        fields = Settings.model_fields
        *parts, last = name.lower().split("__")
        for part in parts:
            fields = fields[part].annotation.model_fields
        assert last in fields, name


def test_no_secret_is_written_down():
    """Secrets are empty in the files that are here: nothing starts with one that everybody knows."""
    for line in (DEPLOY / "example.env").read_text().splitlines():
        assert line.startswith("#") or line.endswith("="), line
    secret = yaml.safe_load((DEPLOY / "kubernetes" / "secret.example.yaml").read_text())
    assert set(secret["stringData"].values()) == {""}
    compose = (DEPLOY / "compose.yaml").read_text()
    assert re.findall(r"(?:PASSWORD|SECRET): (.)", compose) == ["$"] * 3


def test_the_image_that_serves_has_no_torch():
    """The image that answers requests installs no extra that brings torch, and runs as nobody."""
    stages = re.split(r"^FROM ", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    by_name = {stage.split(" AS ")[1].split("\n")[0].strip(): stage for stage in stages if " AS " in stage}
    extras = re.search(r'"foregate\[(.*?)\]', by_name["serve-packages"])
    assert extras is not None
    assert set(extras[1].split(",")) == {"serve", "postgres", "redis"}
    assert "USER 10001:10001" in by_name["base"]
    assert by_name["serve"].startswith("base AS serve")
    assert stages[-1].startswith("base AS serve"), "what is built when no target is named"


@pytest.mark.parametrize("name", ["foregate.service", "foregate-worker.service"])
def test_units_are_understood(name):
    """systemd finds no fault with the units, but that the program is not installed on this machine."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(
        ["systemd-analyze", "verify", str(DEPLOY / "systemd" / name)], capture_output=True, text=True, check=False
    )
    faults = [line for line in done.stderr.splitlines() if name in line and "is not executable" not in line]
    assert not faults, faults
