# Table 3 and beyond: what a network costs per endpoint, by its size; the five columns of the table as circles.
#! run table3: topo --table3
#! data paper = table3: columns paper.endpoints paper.per_endpoint_USD name
#! run ft2_{32,64,128,256}: topo ft2 --nodes {} --count --cost
#! data ft2 = ft2_{32,64,128,256}: . metrics.endpoints cost.per_endpoint_USD
#! run mpft_{64,128,256,512,1024,2048}: topo mpft --nodes {} --count --cost
#! data mpft = mpft_{64,128,256,512,1024,2048}: . metrics.endpoints cost.per_endpoint_USD
#! run ft3_{256,512,1024,2048,4096,8192}: topo ft3 --nodes {} --count --cost
#! data ft3 = ft3_{256,512,1024,2048,4096,8192}: . metrics.endpoints cost.per_endpoint_USD
#! run slim_fly_{64,256,1024,2048,3645}: topo slim_fly --nodes {} --count --cost
#! data slim_fly = slim_fly_{64,256,1024,2048,3645}: . metrics.endpoints cost.per_endpoint_USD
#! run dragonfly_{2048,4096,8192,16384,32832}: topo dragonfly --nodes {} --count --cost
#! data dragonfly = dragonfly_{2048,4096,8192,16384,32832}: . metrics.endpoints cost.per_endpoint_USD
set xlabel "endpoints"
set ylabel "network cost per endpoint [k$]"
set logscale x
set xrange [200:5e5]
set yrange [0:14]
set xtics ("256" 256, "1k" 1024, "4k" 4096, "16k" 16384, "64k" 65536, "256k" 262144)
set key top right noreverse Right
plot $mpft using 1:($2/1e3) with linespoints lt 2 title "multi-plane fat tree (MPFT)", \
     $ft2 using 1:($2/1e3) with linespoints lt 1 dt 2 title "two-layer fat tree (FT2)", \
     $ft3 using 1:($2/1e3) with linespoints lt 3 title "three-layer fat tree (FT3)", \
     $slim_fly using 1:($2/1e3) with linespoints lt 4 title "Slim Fly", \
     $dragonfly using 1:($2/1e3) with linespoints lt 6 title "Dragonfly", \
     $paper using 1:($2/1e3) with points pt 6 ps 1.2 lc rgb black title "Table 3 of the paper"
