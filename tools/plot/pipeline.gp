# Section 4.2: DualPipe, 16 pipeline ranks and 40 micro-batches: what each rank computes when.
#! size 7in,2.6in
#! timeline pipeline: run scenarios/train_step_2048.yaml -s train.chunks.samples=1 -s train.topologies= -s train.compare=none -s cluster.nodes=128 -s train.sequences=2560 --timeline-ranks 0,64,128,192,256,320,384,448,512,576,640,704,768,832,896,960
#! data f = pipeline: traceEvents[ph=X,cat=F] tid ts dur
#! data b = pipeline: traceEvents[ph=X,cat=B] tid ts dur
#! data bi = pipeline: traceEvents[ph=X,cat=B-input] tid ts dur
#! data w = pipeline: traceEvents[ph=X,cat=W] tid ts dur
#! data fb = pipeline: traceEvents[ph=X,cat=F&B] tid ts dur
set xlabel "time [s]"
set ylabel "pipeline rank"
set yrange [15.6:-0.6]
set ytics 5 scale 0
unset grid
set key outside top center horizontal
set xrange [0:*]
plot $fb using (($2)/1e6):1:(($2)/1e6):(($2+$3)/1e6):($1-0.4):($1+0.4) with boxxyerror lc rgb green fs solid 0.6 border rgb 0xFFFFFF title "forward and backward together", \
     $f using (($2)/1e6):1:(($2)/1e6):(($2+$3)/1e6):($1-0.4):($1+0.4) with boxxyerror lc rgb blue fs solid 0.9 border rgb 0xFFFFFF title "forward", \
     $b using (($2)/1e6):1:(($2)/1e6):(($2+$3)/1e6):($1-0.4):($1+0.4) with boxxyerror lc rgb red fs solid 0.9 border rgb 0xFFFFFF title "backward", \
     $bi using (($2)/1e6):1:(($2)/1e6):(($2+$3)/1e6):($1-0.4):($1+0.4) with boxxyerror lc rgb orange fs solid 0.9 border rgb 0xFFFFFF title "for inputs only", \
     $w using (($2)/1e6):1:(($2)/1e6):(($2+$3)/1e6):($1-0.4):($1+0.4) with boxxyerror lc rgb grey fs solid 0.9 border rgb 0xFFFFFF title "weights only"
