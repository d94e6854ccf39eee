// Package guest is where the exports find what answers them. It is empty natively.
package guest
