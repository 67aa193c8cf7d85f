# Section 2.3.3: speed-up by a multi-token prediction module against its acceptance, for several batches.
#! run mtp: run scenarios/speculative_mtp.yaml -s sim.network=bound -s 'speculative.batch=4, 32, 64, 96' -s speculative.context=4096 -s 'speculative.acceptance=0.5, 0.6, 0.7, 0.8, 0.9, 1'
#! data free = mtp: speedup[batch=4] acceptance tokens_per_step
#! data small = mtp: speedup[batch=4] acceptance speedup
#! data middle = mtp: speedup[batch=32] acceptance speedup
#! data large = mtp: speedup[batch=64] acceptance speedup
#! data most = mtp: speedup[batch=96] acceptance speedup
set xlabel "acceptance of a predicted token [%]"
set ylabel "speed-up of generation"
set xrange [48:102]
set yrange [0.8:2.3]
plot $free using ($1*100):2 with lines lt 7 dt 2 lw 1 title "a step that costs nothing more", \
     $small using ($1*100):2 with linespoints lt 1 title "4 sequences per GPU", \
     $middle using ($1*100):2 with linespoints lt 3 title "32", \
     $large using ($1*100):2 with linespoints lt 4 title "64", \
     $most using ($1*100):2 with linespoints lt 2 title "96"
