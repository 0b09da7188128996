/* SPDX-License-Identifier: MIT */
#ifndef LB_BASE_VERSION_H
#define LB_BASE_VERSION_H

#define LB_VERSION "0.1.0"

#endif
