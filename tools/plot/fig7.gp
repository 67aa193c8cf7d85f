# Figure 7: bandwidth of DeepEP's dispatch and combine, 4,096 tokens per GPU, beside what DeepEP published.
#! run fig7: run scenarios/fig7_deepep.yaml
#! data dispatch = fig7: normal[kernel=dispatch] gpus bandwidth published
#! data combine = fig7: normal[kernel=combine] gpus bandwidth published
set xlabel "GPUs of the expert-parallel group"
set ylabel "bandwidth per GPU [GB/s]"
set yrange [0:62]
set xrange [-0.6:3.6]
set boxwidth 0.32
set xtics scale 0
set key top left maxrows 2
plot $dispatch using 0:(NaN):xtic(1) notitle, \
     $dispatch using ($0-0.17):($2/1e9) with boxes lc rgb blue title "dispatch (FP8), simulated", \
     $combine using ($0+0.17):($2/1e9) with boxes lc rgb orange fs pattern 4 border rgb orange title "combine (BF16), simulated", \
     $dispatch using ($0-0.17):($3/1e9) with points pt 6 ps 0.6 lc rgb black title "published by DeepEP", \
     $combine using ($0+0.17):($3/1e9) with points pt 6 ps 0.6 lc rgb black notitle, \
     50 with lines dt 2 lw 1 lc rgb grey title "NIC, 400 Gb/s"
