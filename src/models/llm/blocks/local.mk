# src/models/llm/blocks: plugins: a new block is one file and one line here.
blocks =
blocks += src/models/llm/blocks/block_csa.c
blocks += src/models/llm/blocks/block_dense_ffn.c
blocks += src/models/llm/blocks/block_dsa.c
blocks += src/models/llm/blocks/block_gated_delta_net.c
blocks += src/models/llm/blocks/block_gqa.c
blocks += src/models/llm/blocks/block_gqa_sparse.c
blocks += src/models/llm/blocks/block_kda.c
blocks += src/models/llm/blocks/block_latent_moe.c
blocks += src/models/llm/blocks/block_lightning.c
blocks += src/models/llm/blocks/block_linear_map.c
blocks += src/models/llm/blocks/block_mamba2.c
blocks += src/models/llm/blocks/block_mha.c
blocks += src/models/llm/blocks/block_mla.c
blocks += src/models/llm/blocks/block_mla_absorbed.c
blocks += src/models/llm/blocks/block_moe.c
blocks += src/models/llm/blocks/block_mqa.c

nodist_libmoesim_a_SOURCES += src/models/llm/blocks/block_registry.c
BUILT_SOURCES += src/models/llm/blocks/block_registry.c
CLEANFILES += src/models/llm/blocks/block_registry.c
libmoesim_a_SOURCES += $(blocks)
src/models/llm/blocks/block_registry.c: $(blocks) build-aux/gen_registry src/models/llm/blocks/local.mk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(top_srcdir)/build-aux/gen_registry \
	  models/llm/blocks/block.h block_type block $(blocks) > $@.tmp && mv $@.tmp $@
libmoesim_a_SOURCES += src/models/llm/blocks/block.h
libmoesim_a_SOURCES += src/models/llm/blocks/attention.c src/models/llm/blocks/attention.h
libmoesim_a_SOURCES += src/models/llm/blocks/grouped.c src/models/llm/blocks/grouped.h
libmoesim_a_SOURCES += src/models/llm/blocks/latent.c src/models/llm/blocks/latent.h
libmoesim_a_SOURCES += src/models/llm/blocks/indexer.c src/models/llm/blocks/indexer.h
libmoesim_a_SOURCES += src/models/llm/blocks/recurrent.c src/models/llm/blocks/recurrent.h
libmoesim_a_SOURCES += src/models/llm/blocks/experts.c src/models/llm/blocks/experts.h
libmoesim_a_SOURCES += src/models/llm/blocks/network.c src/models/llm/blocks/network.h
