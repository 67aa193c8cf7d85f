/* The reading of a network file, between the parts that read its lists. */
#ifndef MOESIM_TOPOLOGY_NET_FILE_PRIV_H
#define MOESIM_TOPOLOGY_NET_FILE_PRIV_H

#include "base/yaml_doc.h"
#include "topology/net_file.h"

struct net_reading {
    struct yaml_doc doc;
    struct net_file *f;
    const struct cluster_hw *hw;
    struct net_file_keys keys;
    struct arena *arena;
    struct diag *diag;
    bool failed;
};

void net_complain(struct net_reading *r, const struct yaml_node *at, const char *text);
uint32_t net_find_switch(struct net_reading *r, const struct yaml_node *item, const char *key);
double net_quantity(struct net_reading *r, const struct yaml_node *item, const char *key, enum unit_dim dim,
                    double preset);
/* A whole number from `least` to `most`; `preset` when there is no such key. */
uint32_t net_count(struct net_reading *r, const struct yaml_node *item, const char *key, uint32_t preset,
                   uint32_t least, uint32_t most);
/* NULL when there is none; an error when it is no list. */
const struct yaml_node *net_list(struct net_reading *r, const char *key);
uint32_t net_length(const struct yaml_node *list);
void net_check_keys(struct net_reading *r, const struct yaml_node *item, const char *const *keys);

void net_read_hosts(struct net_reading *r);   /* hosts, or endpoints */
void net_choose_hosts(struct net_reading *r); /* which are the cluster's nodes */
void net_read_routes(struct net_reading *r);

#endif
