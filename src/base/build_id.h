/* Which build this is, for results: the release and, of a work tree, the commit. */
#ifndef MOESIM_BASE_BUILD_ID_H
#define MOESIM_BASE_BUILD_ID_H

/* "3f2a1bc", with "+" behind it where files were changed; "" = not built from a work tree. Set once, by main: only the
 * program is linked anew for a commit. */
extern const char *build_commit;

#endif
