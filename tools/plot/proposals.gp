# Sections 3 to 6: what each of the paper's proposals gains on its own scenario.
#! size 3.4in,3.4in
#! run proposals: proposals
#! data gains = proposals: proposals gain name section
set xlabel "gain: with the proposal over without"
set ylabel "proposal (section of the paper)"
set logscale x 2
set xrange [0.7:14]
set xtics (0.8, 1, 1.5, 2, 3, 4, 6, 8)
stats $gains using 1 nooutput
set yrange [STATS_records-0.4:-0.6]
set ytics scale 0
set grid xtics ytics lc rgb 0xDDDDDD lw 0.6
set arrow 1 from 1, graph 0 to 1, graph 1 nohead lc rgb black lw 0.8
# What is far beyond the axis ends in an arrow with its value.
edge = 9
beyond(g) = g > edge
plot $gains using (1):0:((beyond($1) ? edge : $1)-1):(0):ytic(sprintf("%s (%s)", strcol(2), strcol(3))) with vectors nohead lt 1 lw 1 notitle, \
     $gains using (beyond($1) ? NaN : $1):0 with points lt 1 ps 0.7 notitle, \
     $gains using (beyond($1) ? edge*0.97 : NaN):0:(edge*0.06):(0) with vectors head filled size screen 0.02,20 lt 1 lw 1 notitle, \
     $gains using (beyond($1) ? edge : NaN):0:(sprintf(" %.3gx", $1)) with labels left font ",7" notitle
