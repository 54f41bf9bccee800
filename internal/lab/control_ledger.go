package lab

import (
	"net/http"

	"github.com/gin-gonic/gin"
)

// showLedger answers with what was counted on the lanes' addresses: of one page, with the epoch, so that a reader of
// differences notices a server that counts from 0; or of all pages.
func (l *Lab) showLedger(c *gin.Context) {
	if page := c.Query("page"); page != "" {
		c.JSON(http.StatusOK, gin.H{"epoch": l.Feed.Head().Epoch, "rows": l.Ledger.Page(page)})
		return
	}
	c.JSON(http.StatusOK, l.Ledger.Snapshot())
}
