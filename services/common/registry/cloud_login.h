/*
 * cloud_login: the logins of Amazon ECR, Google Artifact Registry and Azure Container Registry.
 * Internal to registry_login, whose words on threads, trust and sources hold here too.
 */
#ifndef MU_REGISTRY_CLOUD_LOGIN_H
#define MU_REGISTRY_CLOUD_LOGIN_H

#include "registry/registry_access.h"

/* Basic AWS:token, for twelve hours. */
enum mu_status ecr_login(const struct mu_registry_access *access,
                         struct registry_credential *credential,
                         struct mu_error *err) MU_MUST_CHECK;

/* Basic oauth2accesstoken:token, for an hour. */
enum mu_status google_login(const struct mu_registry_access *access,
                            struct registry_credential *credential,
                            struct mu_error *err) MU_MUST_CHECK;

/* A refresh token of the registry, for three hours. */
enum mu_status azure_login(const struct mu_registry_access *access,
                           struct registry_credential *credential,
                           struct mu_error *err) MU_MUST_CHECK;

#endif
