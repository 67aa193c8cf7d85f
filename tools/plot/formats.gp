# Section 3.2: error of a combine of 8 experts whose outputs came in a format; two distributions of values.
#! size 3.4in,3in
#! run formats: formats
#! data gaussian = formats: combine[data=gaussian] relative_ratio format bits_per_value
#! data outliers = formats: combine[data=outliers] relative_ratio
set xlabel "mean relative error of the sum [%]"
set logscale x
set xrange [1:200]
set yrange [14.6:-0.6]
set xtics (1, 2, 5, 10, 20, 50, 100, 200)
set ytics scale 0
set grid xtics ytics lc rgb 0xDDDDDD lw 0.6
set key outside top center horizontal
label(name, bits) = sprintf("%s, %.4g b", name, bits)
plot $gaussian using ($1*100):0:ytic(label(strcol(2), $3)) with points lt 1 ps 0.7 title "Gaussian values", \
     $outliers using ($1*100):0 with points lt 2 pt 4 ps 0.7 title "with outlier channels"
