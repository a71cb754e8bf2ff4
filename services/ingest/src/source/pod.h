/*
 * pod: Kubernetes objects that hold containers, as facts. Shared by what watches clusters and by
 * what hears of them (audit, admission, Knative, OpenShift).
 *
 * Every run of every container that a Pod's status tells becomes an entry: the current state, and
 * the last termination, which is an earlier run. imageID is what the runtime says it runs; its
 * digest may be of an index, a manifest or a config (Kubernetes API, Pod v1, ContainerStatus).
 */
#ifndef INGEST_POD_H
#define INGEST_POD_H

#include "source/reader.h"

/* A Pod as last seen: names, owner, node, every run; the class by what runs (FACT_CONTAINER_START,
 * _STOP), `without_runs` when nothing has run yet, or FACT_POD_DELETE when it has ended although no
 * container's status says so. Errors: MU_E_INVALID, MU_E_LIMIT, MU_E_NOMEM.
 */
enum mu_status pod_read(const struct source_input *input, const json_t *object,
                        enum fact_class without_runs, struct fact *fact,
                        struct mu_error *err) MU_MUST_CHECK;

/* The same from a status without its spec: a kubelet's patch. Containers are those with an image.
 */
enum mu_status pod_status_read(const struct source_input *input, const json_t *object,
                               struct fact *fact, struct mu_error *err) MU_MUST_CHECK;

/* Names and the containers that the object's pod template asks for, all waiting. An object without
 * a template leaves container_count 0. Errors as above. */
enum mu_status pod_template_read(const struct source_input *input, const json_t *object,
                                 struct fact *fact, struct mu_error *err) MU_MUST_CHECK;

/* Namespace, name, uid, kind, controlling owner, resourceVersion. */
void pod_metadata_read(const struct source_input *input, const json_t *object, struct fact *fact);

/* "spec" of the pod in an object of any workload kind; NULL when it has none. Borrowed. */
const json_t *pod_spec_of(const json_t *object);

#endif
