# Section 4.2: one pair of chunks in training, computation over communication, as simulated and as recorded.
#! size 7in,1.9in
#! run replay: run scenarios/train_replay_h800.yaml
#! data compute = replay: phases[lane=compute,layer=1] start_s end_s name
#! data compute = replay: phases[lane=compute,layer=2] start_s end_s name
#! data compute = replay: phases[lane=compute,layer=3] start_s end_s name
#! data compute = replay: phases[lane=compute,layer=4] start_s end_s name
#! data comm = replay: phases[lane=communication,layer=1] start_s end_s name
#! data comm = replay: phases[lane=communication,layer=2] start_s end_s name
#! data comm = replay: phases[lane=communication,layer=3] start_s end_s name
#! data comm = replay: phases[lane=communication,layer=4] start_s end_s name
set xlabel "time [ms]"
set xrange [0:135]
set yrange [-0.1:2.1]
set ytics ("communication" 0.45, "computation" 1.45) scale 0
unset grid
set key outside top center horizontal
ends(s, suffix) = s[strlen(s)-strlen(suffix)+1:*] eq suffix
colour(name) = ends(name, "(F)") ? blue : ends(name, "(W)") ? grey : orange
plot $compute using ($1*1e3):(1.1):($1*1e3):($2*1e3):(1.1):(1.8):(colour(strcol(3))) with boxxyerror lc rgb variable fs solid 0.8 border rgb 0xFFFFFF notitle, \
     $comm using ($1*1e3):(0.1):($1*1e3):($2*1e3):(0.1):(0.8):(colour(strcol(3))) with boxxyerror lc rgb variable fs solid 0.8 border rgb 0xFFFFFF notitle, \
     $compute using (($1+$2)/2*1e3):(1.45):3 with labels rotate by 90 font ",6.5" notitle, \
     $comm using (($1+$2)/2*1e3):(0.45):3 with labels rotate by 90 font ",6.5" notitle, \
     NaN with boxes lc rgb blue title "forward", NaN with boxes lc rgb orange title "backward", \
     NaN with boxes lc rgb grey title "weight gradients"
