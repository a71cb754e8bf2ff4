/* Every kind of source: one file of this folder and one row here. */
#include "source/source.h"

#include "base/text.h"

extern const struct source_kind acr_kind, argocd_kind, cdevents_kind, cloudevents_kind,
        cloudrun_kind, distribution_kind, docker_kind, dockerhub_kind, ecr_kind, ecs_kind, eks_kind,
        flux_kind, gar_kind, github_kind, gitlab_kind, harbor_kind, jfrog_kind, knative_kind,
        kubernetes_kind, kubernetes_admission_kind, kubernetes_audit_kind, nexus_kind, nomad_kind,
        openshift_kind, quay_kind, registry_kind, swarm_kind, zot_kind;

const struct source_kind *const source_kinds[] = {
        &acr_kind,
        &argocd_kind,
        &cdevents_kind,
        &cloudevents_kind,
        &cloudrun_kind,
        &distribution_kind,
        &docker_kind,
        &dockerhub_kind,
        &ecr_kind,
        &ecs_kind,
        &eks_kind,
        &flux_kind,
        &gar_kind,
        &github_kind,
        &gitlab_kind,
        &harbor_kind,
        &jfrog_kind,
        &knative_kind,
        &kubernetes_kind,
        &kubernetes_admission_kind,
        &kubernetes_audit_kind,
        &nexus_kind,
        &nomad_kind,
        &openshift_kind,
        &quay_kind,
        &registry_kind,
        &swarm_kind,
        &zot_kind,
};
const size_t source_kind_count = sizeof(source_kinds) / sizeof(source_kinds[0]);

const struct source_kind *source_kind_find(const char *name)
{
    for (size_t i = 0; i < source_kind_count; i++)
        if (mu_text_equal(source_kinds[i]->name, name))
            return source_kinds[i];
    return NULL;
}
