# Section 2.3.2: time per output token against the bandwidth between GPUs, H800 with InfiniBand to NVL72.
#! run tpot_{50,75,100,150,200,300,450,600,900}: run scenarios/tpot_bound_nvl72.yaml -s 'cluster.node.nvlink_bandwidth={} GB/s'
#! run tpot_h800: run scenarios/tpot_bound_h800.yaml
#! data bound = tpot_{50,75,100,150,200,300,450,600,900}: {} tpot_bound value
#! data simulated = tpot_{50,75,100,150,200,300,450,600,900}: {} tpot_simulated value
#! data h800_bound = tpot_h800: tpot_bound value
#! data h800_simulated = tpot_h800: tpot_simulated value
set xlabel "bandwidth of a GPU, one direction [GB/s]"
set ylabel "time per output token [ms]"
set logscale xy
set xrange [40:1100]
set yrange [0.5:50]
set xtics (50, 100, 200, 450, 900)
set ytics (0.5, 1, 2, 5, 10, 20, 50)
set key top right noreverse Right
plot $simulated using 1:($2*1e3) with linespoints lt 2 title "NVL72, simulated: real bytes, latencies, kernels", \
     $bound using 1:($2*1e3) with lines lt 1 title "NVL72, bound: bytes / bandwidth", \
     $h800_simulated using (50):($1*1e3) with points lt 3 pt 8 ps 0.9 title "H800 over InfiniBand, simulated", \
     $h800_bound using (50):($1*1e3) with points lt 7 pt 6 ps 0.9 title "H800 over InfiniBand, bound"
