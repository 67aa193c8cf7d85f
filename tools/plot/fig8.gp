# Figure 8: all-gather and reduce-scatter over RoCE under three routing policies, by group size (TP dimension).
#! size 7in,2.4in
#! run fig8: run scenarios/fig8_roce_routing.yaml
#! data ag_ecmp = fig8: policies[operation=all_gather,policy=ecmp] group busbw ci95
#! data ag_static = fig8: policies[operation=all_gather,policy=static] group busbw ci95
#! data ag_adaptive = fig8: policies[operation=all_gather,policy=adaptive] group busbw ci95
#! data rs_ecmp = fig8: policies[operation=reduce_scatter,policy=ecmp] group busbw ci95
#! data rs_static = fig8: policies[operation=reduce_scatter,policy=static] group busbw ci95
#! data rs_adaptive = fig8: policies[operation=reduce_scatter,policy=adaptive] group busbw ci95
set xlabel "GPUs of a group (TP dimension)"
set ylabel "bus bandwidth [GB/s]"
set yrange [0:52]
set xrange [-0.6:5.6]
set xtics scale 0
set boxwidth 0.26
set key top center horizontal maxrows 1 width 2
set errorbars small
set multiplot layout 1,2
set title "AllGather"
plot $ag_ecmp using 0:(NaN):xtic(1) notitle, \
     $ag_ecmp using ($0-0.28):($2/1e9):($3/1e9) with boxerrorbars lt 2 lw 0.8 fs solid 0.85 border title "ECMP", \
     $ag_static using ($0):($2/1e9):($3/1e9) with boxerrorbars lt 4 lw 0.8 fs pattern 4 border title "static", \
     $ag_adaptive using ($0+0.28):($2/1e9):($3/1e9) with boxerrorbars lt 1 lw 0.8 fs solid 0.45 border title "adaptive"
set title "ReduceScatter"
plot $rs_ecmp using 0:(NaN):xtic(1) notitle, \
     $rs_ecmp using ($0-0.28):($2/1e9):($3/1e9) with boxerrorbars lt 2 lw 0.8 fs solid 0.85 border title "ECMP", \
     $rs_static using ($0):($2/1e9):($3/1e9) with boxerrorbars lt 4 lw 0.8 fs pattern 4 border title "static", \
     $rs_adaptive using ($0+0.28):($2/1e9):($3/1e9) with boxerrorbars lt 1 lw 0.8 fs solid 0.45 border title "adaptive"
unset multiplot
