# Figure 5: NCCL all-to-all bandwidth, 32 to 128 GPUs, multi-plane (points) on multi-rail (lines).
#! run fig5: run scenarios/fig5_alltoall_mpft_mrft.yaml
#! data mrft32 = fig5: sizes[network=mrft,gpus=32] size busbw
#! data mrft64 = fig5: sizes[network=mrft,gpus=64] size busbw
#! data mrft128 = fig5: sizes[network=mrft,gpus=128] size busbw
#! data mpft32 = fig5: sizes[network=mpft,gpus=32] size busbw
#! data mpft64 = fig5: sizes[network=mpft,gpus=64] size busbw
#! data mpft128 = fig5: sizes[network=mpft,gpus=128] size busbw
set xlabel "message size (what a GPU sends in all)"
set ylabel "bus bandwidth [GB/s]"
set logscale x 2
set xrange [512:3.5e10]
set yrange [0:70]
set xtics ("1 KiB" 2**10, "32 KiB" 2**15, "1 MiB" 2**20, "32 MiB" 2**25, "1 GiB" 2**30, "16 GiB" 2**34)
plot $mrft32 using 1:($2/1e9) with lines lt 1 title "32 GPUs, multi-rail", \
     $mpft32 using 1:($2/1e9) with points lt 1 title "multi-plane", \
     $mrft64 using 1:($2/1e9) with lines lt 2 dt 2 title "64 GPUs, multi-rail", \
     $mpft64 using 1:($2/1e9) with points lt 2 title "multi-plane", \
     $mrft128 using 1:($2/1e9) with lines lt 3 dt 4 title "128 GPUs, multi-rail", \
     $mpft128 using 1:($2/1e9) with points lt 3 title "multi-plane"
