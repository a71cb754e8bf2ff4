#include "workbook/columns.h"

#define WHITE 0xFFFFFFU
#define BLACK 0x1000000U /* as libxlsxwriter has it: 0 is "none" */

const char workbook_inventory_sheet[] = "Inventory";

const struct inventory_column inventory_columns[COLUMN_COUNT] = {
        [COLUMN_UAI] = {"UNIQUE ASSET IDENTIFIER", 37.33},
        [COLUMN_ADDRESS] = {"IPv4 or IPv6 Address", 58.33},
        [COLUMN_VIRTUAL] = {"Virtual", 25},
        [COLUMN_PUBLIC] = {"Public", 25},
        [COLUMN_DNS] = {"DNS Name or URL", 25},
        [COLUMN_NETBIOS] = {"NetBIOS Name", 15},
        [COLUMN_MAC] = {"MAC Address", 15.33},
        [COLUMN_AUTHENTICATED] = {"Authenticated Scan", 16.66},
        [COLUMN_BASELINE] = {"Baseline Configuration Name", 41.11},
        [COLUMN_OS] = {"OS Name and Version", 19.66},
        [COLUMN_LOCATION] = {"Location", 18.33},
        [COLUMN_ASSET_TYPE] = {"Asset Type", 16.44},
        [COLUMN_HARDWARE] = {"Hardware Make/Model", 17},
        [COLUMN_IN_LATEST_SCAN] = {"In Latest Scan", 16.11},
        [COLUMN_VENDOR] = {"Software/ Database Vendor", 15.66},
        [COLUMN_SOFTWARE] = {"Software/ Database Name & Version", 17.66},
        [COLUMN_PATCH_LEVEL] = {"Patch Level", 15.66},
        [COLUMN_DIAGRAM_LABEL] = {"Diagram Label", 55.78},
        [COLUMN_COMMENTS] = {"Comments", 55.78},
        [COLUMN_SERIAL] = {"Serial #/Asset Tag#", 18.33},
        [COLUMN_VLAN] = {"VLAN/\nNetwork ID", 18.44},
        [COLUMN_SYSTEM_ADMINISTRATOR] = {"System Administrator/ Owner", 18.44},
        [COLUMN_APPLICATION_ADMINISTRATOR] = {"Application Administrator/ Owner", 17.78},
        [COLUMN_FUNCTION] = {"Function", 17},
        [COLUMN_END_OF_LIFE] = {"End-of-Life ", 17},
};

const struct inventory_group inventory_groups[INVENTORY_GROUPS] = {
        {COLUMN_UAI, COLUMN_DNS, "All Inventories", 0x137294, WHITE},
        {COLUMN_NETBIOS, COLUMN_IN_LATEST_SCAN, "OS/Infrastructure Inventory", 0x1A98C5, WHITE},
        {COLUMN_VENDOR, COLUMN_PATCH_LEVEL, "Software and Database Inventories", 0x67C8EB, BLACK},
        {COLUMN_DIAGRAM_LABEL, COLUMN_END_OF_LIFE, "Any Inventory", 0x9ADAF2, BLACK},
};

const char *inventory_workbook_header(enum workbook_column column)
{
    return inventory_columns[column].header;
}

const char *inventory_workbook_group(enum workbook_column column)
{
    for (size_t i = 0; i < INVENTORY_GROUPS; i++)
        if (inventory_groups[i].first == column)
            return inventory_groups[i].title;
    return NULL;
}
