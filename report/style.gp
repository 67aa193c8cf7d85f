# What all figures share: the palette of Okabe and Ito (distinct for colour-blind readers), and a second means (dash,
# point, pattern) beside colour. The size comes from the figure's head; texts are taken as they are: no markup.
set encoding utf8
blue = 0x0072B2; red = 0xD55E00; green = 0x009E73; orange = 0xE69F00; sky = 0x56B4E9; purple = 0xCC79A7
black = 0x000000; grey = 0x999999
set linetype 1 lc rgb blue lw 1.6 pt 7 ps 0.5
set linetype 2 lc rgb red lw 1.6 pt 5 ps 0.5
set linetype 3 lc rgb green lw 1.6 pt 9 ps 0.6
set linetype 4 lc rgb orange lw 1.6 pt 13 ps 0.6
set linetype 5 lc rgb sky lw 1.6 pt 11 ps 0.6
set linetype 6 lc rgb purple lw 1.6 pt 15 ps 0.6
set linetype 7 lc rgb black lw 1.6 pt 6 ps 0.5
set linetype cycle 7
set border 3 lw 0.8
set tics nomirror out scale 0.5
set grid ytics lc rgb 0xDDDDDD lw 0.6
set key top left reverse Left samplen 2 spacing 1.0
set style fill solid 0.85 noborder
bytes(x) = x < 1024 ? sprintf("%g B", x) : x < 1048576 ? sprintf("%g KiB", x / 1024) : \
           x < 1073741824 ? sprintf("%g MiB", x / 1048576) : sprintf("%g GiB", x / 1073741824)
