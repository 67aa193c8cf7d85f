# Section 4.3: network time of a dispatch when tokens go to at most M nodes; the paper's M t as a line.
#! run dedup: run scenarios/dedup_node_limited.yaml
#! data nodes = dedup: nodes copies ib_time total_time
#! data all = dedup: nodes[case=no deduplication] copies ib_time
#! data one = dedup: nodes[case=M = 1] copies ib_time
set xlabel "nodes M that a token may go to"
set ylabel "time on the network [ms]"
set xrange [0.5:8.5]
set yrange [0:5]
set xtics 1
set table $first
plot $one using 1:2 with table
unset table
t = real(word($first[1], 2)) * 1e3
plot t * x with lines lt 7 dt 2 lw 1 title sprintf("M t, t = %.3g ms", t), \
     $nodes using 1:($2*1e3) with points lt 1 ps 0.8 title "simulated, deduplicated over NVLink", \
     $nodes using 1:($3*1e3) with points lt 3 ps 0.7 title "the same, until NVLink is done, too", \
     $all using 1:($2*1e3) with points lt 2 pt 4 ps 1.1 title "without deduplication"
