/* Which build this is, for results: the release and, of a work tree, the commit; and what it was asked. */
#ifndef MOESIM_BASE_BUILD_ID_H
#define MOESIM_BASE_BUILD_ID_H

/* "3f2a1bc", with "+" behind it where files were changed; "" = not built from a work tree. Set once, by main: only the
 * program is linked anew for a commit. */
extern const char *build_commit;

/* The command as one would type it again, "moesim export a.sqlite -o a.tex", for captions of tables and figures; "" outside
 * of the program. Set once, by main, with command_line_of. */
extern const char *command_line;
/* Words as a shell takes them; owned by the caller. */
char *command_line_of(const char *program, int argc, char *const *argv);

#endif
