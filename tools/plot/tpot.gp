# Section 2.3.2: time per output token against the bandwidth between GPUs, H800 with InfiniBand to NVL72.
#! run tpot: sweep scenarios/tpot_bound_nvl72.yaml --axis cluster.node.nvlink_bandwidth='50, 75, 100, 150, 200, 300, 450, 600, 900 GB/s'
#! run tpot_h800: run scenarios/tpot_bound_h800.yaml
#! data points = tpot: rows cluster.node.nvlink_bandwidth tpot_bound tpot_simulated tpot_decode
#! data h800 = tpot_h800: . scenario.cluster.nic.bandwidth metrics.tpot_bound metrics.tpot_simulated metrics.tpot_decode
set xlabel "bandwidth of a GPU, one direction [GB/s]"
set ylabel "time per output token [ms]"
set logscale xy
set xrange [40:1100]
set yrange [0.5:400]
set xtics (50, 100, 200, 450, 900)
set ytics (0.5, 1, 2, 5, 10, 20, 50, 100)
set key top right noreverse Right
plot $points using ($1/1e9):($4*1e3) with linespoints lt 3 title "NVL72: a step with all computation, simulated", \
     $points using ($1/1e9):($3*1e3) with linespoints lt 2 title "communication, simulated", \
     $points using ($1/1e9):($2*1e3) with lines lt 1 title "bound: bytes / bandwidth", \
     $h800 using ($1/1e9):($4*1e3) with points lt 3 pt 8 ps 1.2 title "the same three on H800 with InfiniBand", \
     $h800 using ($1/1e9):($3*1e3) with points lt 2 pt 4 ps 1.2 notitle, \
     $h800 using ($1/1e9):($2*1e3) with points lt 1 pt 6 ps 1.2 notitle
