/* oscal/component-definition.json: the images as components. */
#include "oscal/oscal.h"

#include "bundle/layout.h"

static enum mu_status put_definition(struct oscal *oscal, struct mu_error *err)
{
    struct oscal_list components = {.name = "components"};
    enum mu_status st;

    oscal_put_head(oscal, "component-definition", "Container images");
    st = oscal_put_components(oscal, &components, false, err);
    oscal_list_end(oscal, &components);
    oscal_put_back_matter(oscal);
    return st;
}

enum mu_status oscal_component_render(const struct render *render, struct mu_error *err)
{
    enum mu_status st;

    if (!oscal_is_wanted(render))
        return MU_OK;
    st = oscal_write(render, BUNDLE_OSCAL_COMPONENT, "component-definition", put_definition, err);

    return st == MU_OK ? render_list(render, BUNDLE_OSCAL_COMPONENT,
                                     "OSCAL component definition of the container images", err)
                       : st;
}
