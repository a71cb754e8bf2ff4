/*
 * nomad_image: where a Nomad task names its image. Shared by the kind and by the stream.
 */
#ifndef INGEST_NOMAD_IMAGE_H
#define INGEST_NOMAD_IMAGE_H

#include "json/json_doc.h"

/* Config.image of the drivers that run images (docker, podman, containerd-driver); NULL: none.
 * Borrowed. */
const char *nomad_task_image(const json_t *task);

#endif
