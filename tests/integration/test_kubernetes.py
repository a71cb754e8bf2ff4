"""The cluster watch against a real kube-apiserver and etcd: nothing lost through what happens to clusters.

The programs are built once, which takes about five minutes; MUSTER_KUBE_API=0 leaves these tests out.
"""

import os
import re

import pytest
from conftest import BIN, CACHE
from kube_world import Ingest, Proxy, World, wait_until
from local import kube_api
from local.process import StackError


@pytest.fixture(scope="module")
def world(state_root):
    if os.environ.get("MUSTER_KUBE_API") == "0" and not kube_api.is_built(CACHE):
        pytest.skip("SKIPPED: MUSTER_KUBE_API=0 and kube-apiserver is not built")
    try:
        kube_api.build(CACHE)
    except StackError as error:
        pytest.skip(f"SKIPPED: no kube-apiserver: {error}")
    one = World(state_root / "kubernetes", CACHE, BIN)
    one.start()
    yield one
    one.kube.stop()


@pytest.fixture
def ingest(world):
    """Makes ingests: ingest("cluster") watches all there is; stopped at the end."""
    made = []

    def make(cluster, **more):
        made.append(Ingest(world, cluster, **more))
        return made[-1]
    yield make
    for one in made:
        one.process.stop()


@pytest.fixture
def pods(world, request):
    """A namespace with the names of its pods; emptied at the end."""
    name = re.sub("[^a-z0-9]+", "-", request.node.name).removeprefix("test-")[-60:].strip("-")
    world.namespace(name)
    yield name
    world.kube.admin("DELETE", f"/api/v1/namespaces/{name}/pods?gracePeriodSeconds=0")


def owner(kind, api, name, uid):
    return {"apiVersion": api, "kind": kind, "name": name, "uid": uid, "controller": True}


def make(world, api, namespace, kind, name, spec, owners=()):
    group = f"/apis/{api}/namespaces/{namespace}/{kind.lower()}s"
    made = world.kube.admin("POST", group, {"metadata": {"name": name, "ownerReferences": list(owners)}, "spec": spec})
    return owner(kind, api, name, made["metadata"]["uid"])


TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "registry.example/web:1.0"}]}}
SELECTED = {"selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
ONCE = {"template": {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}


def test_a_pod_has_the_platform_of_its_node_and_its_top_controller(world, ingest, pods):
    world.node("arm-1", "arm64")
    deployment = make(world, "apps/v1", pods, "Deployment", "shop", SELECTED)
    replicas = make(world, "apps/v1", pods, "ReplicaSet", "not-guessable", SELECTED, [deployment])
    cron = make(world, "batch/v1", pods, "CronJob", "nightly", {"schedule": "0 0 * * *", "jobTemplate": {"spec": ONCE}})
    job = make(world, "batch/v1", pods, "Job", "nightly-1", ONCE, [cron])
    stateful = make(world, "apps/v1", pods, "StatefulSet", "store", {**SELECTED, "serviceName": "store"})
    world.run_pod(pods, "before", replicas, "arm-1")
    watching = ingest("owners").start()
    watching.wait_living(["before"])
    world.node("amd-1", "amd64")
    late = make(world, "apps/v1", pods, "ReplicaSet", "later", SELECTED, [deployment])
    world.run_pod(pods, "after", late, "amd-1")  # node and ReplicaSet are as new as the pod
    world.run_pod(pods, "job", job, "amd-1")
    world.run_pod(pods, "store-0", stateful)
    seen = watching.wait_living(["before", "after", "job", "store-0"])
    assert {name: (event.get("platform"), event["owner_kind"], event["owner_name"]) for name, event in seen.items()} == {
        "before": ("linux/arm64", "Deployment", "shop"), "after": ("linux/amd64", "Deployment", "shop"),
        "job": ("linux/amd64", "CronJob", "nightly"), "store-0": (None, "StatefulSet", "store")}


def test_an_evicted_pod_is_closed_although_it_still_is_there(world, ingest, pods):
    watching = ingest("evicted").start()
    world.run_pod(pods, "evicted")
    watching.wait_living(["evicted"])
    path = f"/api/v1/namespaces/{pods}/pods/evicted"
    world.kube.patch_status(path, {"phase": "Failed", "reason": "Evicted", "containerStatuses": None})
    watching.wait_living([])


def test_it_watches_from_inside_the_cluster_and_rereads_token_and_ca(world, ingest, pods, tmp_path):
    world.kube.make_ca("foreign")
    (tmp_path / "ca.crt").write_bytes((world.kube.folder / "foreign.crt").read_bytes())
    (tmp_path / "token").write_text("not a token")
    watching = ingest("inside", access={"in_cluster": True, "service_account": str(tmp_path)},
                      env={"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(world.kube.port)}).start()
    world.run_pod(pods, "inside")
    wait_until("TLS refused", lambda: "SSL certificate problem" in watching.log())
    (tmp_path / "ca.crt").write_bytes((world.kube.folder / "ca.crt").read_bytes())
    wait_until("token refused", lambda: "answered 401" in watching.log())
    (tmp_path / "token").write_text(world.kube.token() + "\n")
    watching.wait_living(["inside"])


def test_5000_pods_come_in_pages_and_each_once(world, ingest, pods):
    names = [f"pod-{number}" for number in range(5000)]
    world.run_pods(pods, names)
    with Proxy(world.kube) as proxy:
        watching = ingest("many", access={"url": proxy.url, "page_limit": 500}).start()
        watching.wait_living(names, 120)
        pages = [path for path in proxy.requests if path.startswith("/api/v1/pods?limit=500")]
        assert len(pages) == 10 and sum("continue=" in path for path in pages) == 9
        assert len({event_id for event_id, _ in world.events("many")}) == len(world.events("many")) == 5000
        watching.process.stop()


def test_pages_that_expire_begin_again(world, ingest, pods):
    """etcd forgets the list's version between two pages."""
    names = [f"pod-{number}" for number in range(40)]
    world.run_pods(pods, names)
    compacted = []

    def compact_once(path):
        if "/pods?" in path and "continue=" in path and not compacted:
            compacted.append(path)
            world.run_pod(pods, "late")
            world.kube.compact()
    with Proxy(world.kube, refuse=compact_once) as proxy:
        watching = ingest("expired", access={"url": proxy.url, "page_limit": 10}).start()
        watching.wait_living([*names, "late"])
        assert compacted
        watching.process.stop()


def test_a_killed_ingest_goes_on_where_it_was_and_closes_what_went(world, ingest, pods):
    names = [f"pod-{number}" for number in range(20)]
    world.run_pods(pods, names)
    watching = ingest("killed").start()
    watching.wait_living(names)
    wait_until("a position", watching.position)
    watching.process.kill()
    for name in names[:10]:
        world.delete_pod(pods, name)
    world.run_pod(pods, "new")
    watching.start()
    watching.wait_living([*names[10:], "new"])
    assert watching.metric("watch_relists_total") == 0, "it listed, though the position was good"


def test_what_went_before_a_compaction_is_closed_by_a_list(world, ingest, pods):
    world.run_pods(pods, ["stays", "goes"])
    watching = ingest("compacted").start()
    watching.wait_living(["stays", "goes"])
    watching.process.stop()
    world.delete_pod(pods, "goes")
    world.run_pod(pods, "new")
    world.kube.stop_server()
    world.kube.compact()
    world.kube.start_server()
    watching.start()
    watching.wait_living(["stays", "new"])
    assert "410" in watching.log() and watching.metric("watch_vanished_total") == 1
    assert [event["reconcile"] for _, event in world.events("compacted") if event["action"] == "removed"] == [True]


def test_an_api_server_that_restarts_loses_nothing(world, ingest, pods):
    watching = ingest("restarted").start()
    expected = []
    for round_number in range(3):
        expected.append(f"pod-{round_number}")
        world.run_pod(pods, expected[-1])
        watching.wait_living(expected)
        world.kube.restart_server()
    world.delete_pod(pods, "pod-0")
    world.run_pod(pods, "last")
    watching.wait_living(["pod-1", "pod-2", "last"])


@pytest.mark.parametrize("how", ["swallowed", "refused", "failed"])
def test_a_server_without_bookmarks_is_watched_too(world, ingest, pods, how):
    status = {"refused": 400, "failed": 500}.get(how)
    with Proxy(world.kube, refuse=lambda path: status if "allowWatchBookmarks" in path else None,
               drop=lambda line: line.startswith(b'{"type":"BOOKMARK"')) as proxy:
        watching = ingest(f"bookmarks-{how}", access={"url": proxy.url}).start()
        world.run_pod(pods, "first")
        watching.wait_living(["first"])
        world.run_pod(pods, "second")
        world.delete_pod(pods, "first")
        watching.wait_living(["second"])
        watching.process.stop()
