#!/bin/bash
# The tarball holds every file of the repository that is not about git itself or Debian's package, and nothing else but
# what is generated for it. Needs a git checkout. TAP.
. "$srcdir/tests/cli.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES
if ! git -C "$srcdir" ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
    skip "the tarball's files" "the source tree is no git checkout"
    finish
fi
if [ ! -e "$builddir/man/moesim.1" ]; then
    skip "the tarball's files" "this build has no manual pages: install help2man and configure again"
    finish
fi

check "make distdir" make -C "$builddir" -s --no-print-directory distdir distdir="$work/dist" am__remove_distdir=:
# (less what .gitignore names, and what was deleted but is not yet committed)
git -C "$srcdir" ls-files | grep -vE '(^|/)\.git(ignore|attributes|-blame-ignore-revs)$|^debian/' | LC_ALL=C sort >listed
git -C "$srcdir" ls-files -ci --exclude-standard | LC_ALL=C sort >ignored
git -C "$srcdir" ls-files -d | LC_ALL=C sort >deleted
LC_ALL=C comm -23 listed <(LC_ALL=C sort -m ignored deleted) >tracked
(cd dist && find . -type f | sed 's|^\./||') | LC_ALL=C sort >shipped
check "every file of the repository is in it" diff <(LC_ALL=C comm -23 tracked shipped) /dev/null
LC_ALL=C comm -13 tracked shipped |
    grep -vE '^(configure|aclocal\.m4|config\.h\.in|Makefile\.in|man/moesim[a-z-]*\.[15]|build-aux/[a-z-]+(\.sh)?)$' >extra
check "and nothing that is not the repository's" diff extra /dev/null
for script in bootstrap man/make_page build-aux/gen_registry contrib/slurm/moesim-slurm; do
    check "$script can be run" test -x "dist/$script"
done
finish
