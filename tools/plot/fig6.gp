# Figure 6: latency of a NCCL all-to-all among 16 GPUs, multi-plane and multi-rail.
#! run fig6: run scenarios/fig6_latency_16gpu.yaml
#! data mrft = fig6: sizes[network=mrft] size time
#! data mpft = fig6: sizes[network=mpft] size time
set xlabel "message size (what a GPU sends in all)"
set ylabel "time [µs]"
set logscale xy
set logscale x 2
set xrange [48:9e7]
set yrange [10:1000]
set xtics ("64 B" 2**6, "1 KiB" 2**10, "16 KiB" 2**14, "256 KiB" 2**18, "4 MiB" 2**22, "64 MiB" 2**26)
plot $mrft using 1:($2*1e6) with lines lt 1 title "multi-rail (MRFT)", \
     $mpft using 1:($2*1e6) with points lt 2 title "multi-plane (MPFT)"
